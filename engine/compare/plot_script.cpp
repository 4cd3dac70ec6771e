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
    zeros = {}  # run -> x at the step that it is aligned at
    with open(folder / "curves.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["metric"] != METRIC:
                continue
            runs = curves.setdefault(row["group"], collections.OrderedDict())
            x, y = runs.setdefault(row["run"], ([], []))
            x.append(position(row))
            if ALIGN is not None and number(row["step"]) <= ALIGN:
                zeros[row["run"]] = x[-1]
            y.append(number(row["value"]))

    if ALIGN is not None:
        for runs in curves.values():
            for run, (x, _) in runs.items():
                zero = ALIGN if AXIS == "step" else zeros.get(run, math.nan)
                x[:] = [each - zero for each in x]

    plt.rcParams.update({"font.size": 8, "pdf.fonttype": 42, "svg.fonttype": "none"})
    legend_mm = 3.5 * len(curves) + 1
    height_mm = HEIGHT_MM + legend_mm
    figure, axes = plt.subplots(figsize=(WIDTH_MM / 25.4, height_mm / 25.4))
    for group, runs in curves.items():
        is_baseline = group == BASELINE
        look = LOOKS.get(group, 0)
        color = "#404040" if is_baseline else COLORS[look % len(COLORS)]
        dash = "-" if is_baseline else DASHES[look % len(DASHES)]
        marker = "s" if is_baseline else MARKERS[(look + look // len(COLORS)) % len(MARKERS)]
        label = LABELS.get(group, group)

        def draw(x, y, **more):
            axes.plot(x, y, dash, color=color, marker=marker, markersize=4,
                      markeredgecolor="white", markeredgewidth=0.4, zorder=2 if is_baseline else 3,
                      markevery=1 if len(x) <= 30 else [len(x) - 1], **more)

        if len(runs) > 1 and AXIS == "step":
            common = set.intersection(*(set(x) for x, _ in runs.values()))
            values = [dict(zip(x, y)) for x, y in runs.values()]
            steps = sorted(common)
            mean = [statistics.fmean(each[s] for each in values) for s in steps]
            spread = [statistics.stdev([each[s] for each in values]) if all(
                math.isfinite(each[s]) for each in values) else math.nan for s in steps]
            draw(steps, mean, lw=1.2, label=f"{label}, {len(runs)} seeds")
            axes.fill_between(steps, [m - s for m, s in zip(mean, spread)],
                              [m + s for m, s in zip(mean, spread)], color=color, alpha=0.18, lw=0)
            continue
        for i, (x, y) in enumerate(runs.values()):
            draw(x, y, lw=1.0, label=label if i == 0 else None)
    axes.set_xlabel(X_TITLE)
    axes.set_ylabel(METRIC)
    axes.set_xscale("log" if LOG_X else "linear")
    axes.set_yscale("log" if LOG_Y else "linear")
    axes.grid(True, color="#e3e3e3", lw=0.5)
    if AXIS == "tokens":
        axes.xaxis.set_major_formatter(matplotlib.ticker.EngFormatter(sep=""))
    figure.tight_layout(rect=(0, legend_mm / height_mm, 1, 1))
    # Below the axes, where it lies on no curve.
    figure.legend(loc="lower left", frameon=False, fontsize=7, borderaxespad=0.2, labelspacing=0.3)
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
  std::string looks;
  for (const SeedGroup& group : comparison.groups)
    looks += fmt::format("{}{}: {}", looks.empty() ? "" : ", ", quoted(group.label), group.look);
  return fmt::format(
             "#!/usr/bin/env python3\n"
             "# Draws the comparison from curves.csv beside this file. Needs matplotlib alone.\n"
             "import collections\nimport csv\nimport math\nimport pathlib\nimport statistics\n\n"
             "import matplotlib\n\nmatplotlib.use(\"Agg\")\n"
             "import matplotlib.pyplot as plt\nimport matplotlib.ticker\n\n"
             "WIDTH_MM = 84  # one column\nHEIGHT_MM = 60  # without the legend\nOUTPUT = "
             "\"figure-84mm.pdf\"\n"
             "METRIC = {}\nAXIS = {}\nX_TITLE = {}\nBASELINE = {}\n"
             "ALIGN = {}  # step that x is counted from\n"
             "LOG_X = False\nLOG_Y = False\n"
             "LABELS = {{}}  # group in curves.csv -> label in the figure\n"
             "COLORS = [{}]\nDASHES = [\"-\", \"--\", \":\", \"-.\"]\n"
             "MARKERS = [\"o\", \"^\", \"D\", \"v\", \"P\", \"*\", \"X\"]\n"
             "LOOKS = {{{}}}  # group -> number of its colour, dash and marker\n",
             quoted(options.metrics.front()), quoted(is_flops ? "tokens" : to_string(options.axis)),
             quoted(is_flops ? "tokens" : axis_title(options)),
             quoted(comparison.groups[comparison.base_group].label),
             options.align_at ? fmt::format("{}", *options.align_at) : "None", colors, looks) +
         kBody;
}

}  // namespace engine
