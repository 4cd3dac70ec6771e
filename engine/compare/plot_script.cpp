// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/compare/plot_script.h"

#include "engine/compare/comparison_figure.h"

#include <fmt/format.h>

namespace engine {
namespace {

/// A string literal of Python.
std::string quoted(const std::string& text) {
  std::string literal = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') literal += '\\';
    literal += c == '\n' ? ' ' : c;
  }
  return literal + '"';
}

constexpr const char* kBody = R"py(

def number(text):
    return float(text) if text else math.nan


def position(row):
    x = {"step": "step", "tokens": "tokens", "time": "seconds", "flops": "tokens"}[AXIS]
    return number(row[x]) / (3600 if AXIS == "time" else 1)


def main():
    folder = pathlib.Path(__file__).resolve().parent
    curves = collections.OrderedDict()  # group -> run -> ([x], [y])
    with open(folder / "curves.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["metric"] != METRIC:
                continue
            runs = curves.setdefault(row["group"], collections.OrderedDict())
            x, y = runs.setdefault(row["run"], ([], []))
            x.append(position(row))
            y.append(number(row["value"]))

    plt.rcParams.update({"font.size": 8, "pdf.fonttype": 42, "svg.fonttype": "none"})
    figure, axes = plt.subplots(figsize=(WIDTH_MM / 25.4, HEIGHT_MM / 25.4))
    others = 0
    for group, runs in curves.items():
        is_baseline = group == BASELINE
        index = 0 if is_baseline else others
        others += 0 if is_baseline else 1
        color = "#404040" if is_baseline else COLORS[index % len(COLORS)]
        style = "-" if is_baseline else DASHES[index % len(DASHES)]
        label = LABELS.get(group, group)
        if len(runs) > 1 and AXIS == "step":
            common = set.intersection(*(set(x) for x, _ in runs.values()))
            values = [dict(zip(x, y)) for x, y in runs.values()]
            steps = sorted(common)
            mean = [statistics.fmean(each[s] for each in values) for s in steps]
            spread = [statistics.stdev([each[s] for each in values]) if all(
                math.isfinite(each[s]) for each in values) else math.nan for s in steps]
            axes.plot(steps, mean, style, color=color, lw=1.2, label=f"{label}, {len(runs)} seeds")
            axes.fill_between(steps, [m - s for m, s in zip(mean, spread)],
                              [m + s for m, s in zip(mean, spread)], color=color, alpha=0.18, lw=0)
            continue
        for i, (x, y) in enumerate(runs.values()):
            axes.plot(x, y, style, color=color, lw=1.0, label=label if i == 0 else None)
    axes.set_xlabel(X_TITLE)
    axes.set_ylabel(METRIC)
    axes.set_xscale("log" if LOG_X else "linear")
    axes.set_yscale("log" if LOG_Y else "linear")
    axes.grid(True, color="#e3e3e3", lw=0.5)
    axes.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(folder / OUTPUT)
    print("wrote", folder / OUTPUT)


if __name__ == "__main__":
    main()
)py";

}  // namespace

std::string plot_script(const RunComparison& comparison) {
  const ComparisonOptions& options = comparison.options;
  // FLOPs need the models, which the file of curves does not hold: tokens are proportional to them.
  const bool is_flops = options.axis == XAxis::flops;
  std::string colors;
  for (const std::string& color : kPrintColors)
    colors += (colors.empty() ? "" : ", ") + quoted(color);
  return fmt::format(
             "#!/usr/bin/env python3\n"
             "# Draws the comparison from curves.csv beside this file. Needs matplotlib alone.\n"
             "import collections\nimport csv\nimport math\nimport pathlib\nimport statistics\n\n"
             "import matplotlib\n\nmatplotlib.use(\"Agg\")\n"
             "import matplotlib.pyplot as plt\n\n"
             "WIDTH_MM = 84  # one column\nHEIGHT_MM = 60\nOUTPUT = \"figure-84mm.pdf\"\n"
             "METRIC = {}\nAXIS = {}\nX_TITLE = {}\nBASELINE = {}\n"
             "LOG_X = False\nLOG_Y = False\n"
             "LABELS = {{}}  # group in curves.csv -> label in the figure\n"
             "COLORS = [{}]\nDASHES = [\"-\", \"--\", \":\", \"-.\"]\n",
             quoted(options.metrics.front()), quoted(is_flops ? "tokens" : to_string(options.axis)),
             quoted(is_flops ? "tokens" : axis_title({.axis = options.axis})),
             quoted(comparison.groups[comparison.base_group].label), colors) +
         kBody;
}

}  // namespace engine
