// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/compare/comparison_export.h"

#include "engine/compare/comparison_figure.h"
#include "engine/compare/comparison_tables.h"
#include "engine/compare/plot_script.h"
#include "engine/compare/trade_off_figure.h"
#include "engine/error.h"
#include "engine/printable.h"
#include "engine/runs/run_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMark = "README.txt";
constexpr const char* kFirstLine = "A comparison of runs made by Paradigm Workbench.";

/// An empty or new folder, or an earlier export, which is replaced file by file.
void claim(const fs::path& folder) {
  std::error_code error;
  if (fs::exists(folder, error) && !fs::is_directory(folder, error))
    fail("cannot-write", {.file = folder.string()}, "this is a file, not a folder",
         "Name a new folder for --export");
  if (fs::is_directory(folder, error) && !fs::is_empty(folder, error)) {
    const bool is_ours =
        fs::exists(folder / kMark, error) && read_file(folder / kMark).rfind(kFirstLine, 0) == 0;
    if (!is_ours)
      fail("cannot-write", {.file = folder.string()},
           "the folder is not empty and holds no earlier export",
           "Name a new or empty folder for --export");
    fs::remove_all(folder / "runs", error);
  }
  fs::create_directories(folder / "runs", error);
  if (error)
    fail("cannot-write", {.file = folder.string()},
         "the folder cannot be made: " + error.message());
}

void copy_if_there(const fs::path& from, const fs::path& to) {
  std::error_code error;
  if (!fs::is_regular_file(from, error)) return;
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
  if (error)
    fail("cannot-write", {.file = to.string()},
         fmt::format("{} cannot be copied: {}", from.string(), error.message()));
}

/// What says how a run was made and what it logged; no weights.
void copy_run(const ComparableRun& run, const fs::path& to) {
  std::error_code error;
  if (run.source != RunSource::run_folder) {
    fs::create_directories(to, error);
    if (fs::is_directory(run.path, error)) {
      copy_if_there(run.path / "trainer_state.json", to / "trainer_state.json");
      for (const auto& entry : fs::directory_iterator(run.path, error)) {
        const std::string name = entry.path().filename().string();
        if (name.find("tfevents") != std::string::npos) copy_if_there(entry.path(), to / name);
      }
    } else {
      copy_if_there(run.path, to / run.path.filename());
    }
    return;
  }
  fs::create_directories(to, error);
  const RunFolder folder{run.path};
  for (const fs::path& file : {folder.run_yaml(), folder.transform_yaml(), folder.histogram(),
                               folder.events(), run.model.file})
    copy_if_there(file, to / file.filename());
  for (const auto& entry : fs::directory_iterator(run.path, error)) {
    if (entry.path().extension() == ".pt" &&
        entry.path().filename().string().rfind("transform.", 0) == 0)
      copy_if_there(entry.path(), to / entry.path().filename());
  }
}

std::string versions_of(const ComparableRun& run) {
  if (!run.started) return to_string(run.source);
  return fmt::format(
      "paradigm {} on {}", run.started->engine_version,
      run.started->device_name.empty() ? run.started->device : run.started->device_name);
}

std::string readme(const std::vector<const ComparableRun*>& runs, const RunComparison& comparison,
                   const std::vector<std::string>& names, const std::string& command) {
  std::string text =
      std::string(kFirstLine) +
      "\n\n"
      "figure.svg      the curves, for a page; the same in figure.pdf, 180 mm wide, whose\n"
      "                Helvetica is the reader's\n"
      "plot.py         draws the same figure with matplotlib, 84 mm wide and with its fonts\n"
      "                in it, to figure-84mm.pdf: python plot.py\n"
      "curves.csv      every logged value of the compared metrics, at full rate\n"
      "statistics.csv  the table\n"
      "page.html       all of it as one page\n" +
      (comparison.options.cost.empty()
           ? ""
           : "trade_off.svg   results against cost, also as .pdf, and .csv behind it\n") +
      "runs/           configuration and events of each run\n\n"
      "Made by\n  " +
      command + "\nOpen it again\n  paradigm runs compare runs\n";
  if (!comparison.verdicts.empty()) text += "\nVerdicts against the baseline\n";
  for (const Verdict& verdict : comparison.verdicts)
    text += fmt::format("  {}: {}\n", comparison.groups[verdict.group].label, verdict.text);
  text += "\nRuns, and the command that repeats each from this folder\n";
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const std::int64_t seed = runs[i]->training_seed();
    text += fmt::format("  {}: {}{}\n", names[i], versions_of(*runs[i]),
                        seed < 0 ? "" : fmt::format(", seed {}", seed));
    const std::string repeat = repeat_command(*runs[i], names[i]);
    if (!repeat.empty()) text += "    " + repeat + "\n";
  }
  return text;
}

}  // namespace

std::vector<std::string> folder_names(const std::vector<const ComparableRun*>& runs) {
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (const ComparableRun* run : runs) {
    std::string name = fs::path(run->name).filename().string();
    for (char& c : name) {
      const bool is_plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' ||
                            c == '-' || c == '_' || c == '=';
      if (!is_plain) c = '-';
    }
    if (name.empty() || name.front() == '.') name = "run" + name;
    std::string unique = name;
    for (int i = 2; !taken.insert(unique).second; ++i) unique = fmt::format("{}-{}", name, i);
    names.push_back(std::move(unique));
  }
  return names;
}

std::string compare_command(const std::vector<const ComparableRun*>& runs,
                            const ComparisonOptions& options) {
  std::string command = "paradigm runs compare";
  const auto add = [&command](const std::string& word) { command += " " + shell_quoted(word); };
  for (const ComparableRun* run : runs) add(run->path.string());
  const auto add_flag = [&](const char* flag, const std::string& value) {
    add(flag);
    add(value);
  };
  if (options.baseline != 0) add_flag("--baseline", runs[options.baseline]->path.string());
  for (const std::string& metric : options.metrics) add_flag("--metric", metric);
  if (!(options.statistic == Statistic{})) add_flag("--statistic", to_string(options.statistic));
  if (options.axis != XAxis::step) add_flag("--x", to_string(options.axis));
  if (options.align_at) add_flag("--align", fmt::format("{:g}", *options.align_at));
  if (!options.cost.empty()) add_flag("--cost", options.cost);
  return command;
}

std::string repeat_command(const ComparableRun& run, const std::string& folder_name) {
  if (run.parameters.empty()) return "";
  const std::string folder = "runs/" + shell_quoted(folder_name);
  std::string command = "paradigm train --config " + folder + "/run.yaml";
  if (run.is_effect_known && !run.effect.plan.assignments.empty())
    command += " --transform_config " + folder + "/transform.yaml";
  return command + " --output_dir repeated/" + shell_quoted(folder_name);
}

void export_comparison(const std::vector<const ComparableRun*>& runs,
                       const RunComparison& comparison, const fs::path& folder,
                       const std::string& command) {
  for (const ComparableRun* run : runs) {
    std::error_code ignored;
    if (!fs::exists(run->path, ignored))
      fail("run-gone", {.file = run->path.string()}, "the folder of this run is gone",
           "Bring it back, or leave the run out");
  }
  claim(folder);
  const std::vector<std::string> names = folder_names(runs);
  replace_file(folder / kMark, readme(runs, comparison, names, command));
  const CurveFigure figure = comparison_figure(runs, comparison);
  replace_file(folder / "figure.svg", svg_of(figure));
  replace_file(folder / "figure.pdf", pdf_of(figure));
  if (!comparison.options.cost.empty()) {
    const TradeOffFigure trade_off = trade_off_figure(runs, comparison);
    replace_file(folder / "trade_off.svg", svg_of(trade_off));
    replace_file(folder / "trade_off.pdf", pdf_of(trade_off));
    replace_file(folder / "trade_off.csv", trade_off_csv(runs, comparison));
  }
  replace_file(folder / "curves.csv", curves_csv(runs, comparison));
  replace_file(folder / "statistics.csv", statistics_csv(runs, comparison));
  replace_file(folder / "plot.py", plot_script(comparison));
  replace_file(folder / "page.html", comparison_page(runs, comparison, command));
  for (std::size_t i = 0; i < runs.size(); ++i) copy_run(*runs[i], folder / "runs" / names[i]);
}

}  // namespace engine
