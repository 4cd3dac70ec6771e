// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/compare_runs.h"

#include "app/paradigm/command.h"
#include "app/paradigm/comparison_report.h"
#include "app/paradigm/output.h"
#include "engine/compare/comparable_paths.h"
#include "engine/compare/comparison_export.h"
#include "engine/error.h"
#include "engine/printable.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>

namespace paradigm {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::vector<std::string> runs;
  std::string baseline;
  std::vector<std::string> metrics;
  std::string statistic = "last";
  std::string axis = "step";
  std::optional<double> align;
  std::string cost;
  std::string folder;
  bool json = false;
};

/// Everything comparable at `path`. What lies in a folder and turns out to be something else, a
/// table of other numbers, is a warning; it is an error where nothing else is left, or was named
/// itself.
std::vector<engine::ComparableRun> loaded_runs(const fs::path& path) {
  std::vector<engine::ComparableRun> runs;
  std::vector<engine::Problem> skipped;
  for (const fs::path& found : engine::comparable_paths(path)) {
    try {
      runs.push_back(engine::load_any_run(found));
    } catch (const engine::Error& error) {
      if (found == engine::without_slash(path)) throw;
      skipped.insert(skipped.end(), error.problems().begin(), error.problems().end());
    }
  }
  if (runs.empty() && !skipped.empty()) throw engine::Error(std::move(skipped));
  for (engine::Problem& problem : skipped) problem.severity = engine::Severity::warning;
  print_problems(skipped);
  return runs;
}

/// What one argument names, also by a name below runs/.
std::vector<engine::ComparableRun> runs_at(const std::string& given) {
  for (const fs::path& path : {fs::path(given), fs::path("runs") / given}) {
    auto runs = loaded_runs(path);
    if (!runs.empty()) return runs;
  }
  std::error_code ignored;
  const bool exists = fs::exists(given, ignored);
  engine::fail("no-run", {.file = given},
               exists
                   ? "there is no run here (no events.jsonl, status.json or run.yaml), and no log "
                     "that could be imported (trainer_state.json, .csv, tfevents)"
                   : "there is no such run folder",
               "See paradigm runs list");
}

std::size_t baseline_index(const std::vector<engine::ComparableRun>& runs,
                           const std::string& given) {
  if (given.empty()) return 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (runs[i].name == given || runs[i].path == engine::without_slash(given) ||
        runs[i].path.filename() == given)
      return i;
  }
  std::string names;
  for (const auto& run : runs) names += (names.empty() ? "" : ", ") + run.name;
  engine::fail("bad-value", {.file = "--baseline"},
               fmt::format("{} is none of the runs compared", given), "Name one of " + names);
}

/// The command line again, as a shell reads it.
std::string command_of(const Options& options) {
  std::string command = "paradigm runs compare";
  const auto add = [&command](const std::string& word) {
    command += " " + engine::shell_quoted(word);
  };
  for (const std::string& run : options.runs) add(run);
  const auto add_flag = [&](const char* flag, const std::string& value) {
    add(flag);
    add(value);
  };
  if (!options.baseline.empty()) add_flag("--baseline", options.baseline);
  for (const std::string& metric : options.metrics) add_flag("--metric", metric);
  if (options.statistic != "last") add_flag("--statistic", options.statistic);
  if (options.axis != "step") add_flag("--x", options.axis);
  if (options.align) add_flag("--align", fmt::format("{:g}", *options.align));
  if (!options.cost.empty()) add_flag("--cost", options.cost);
  if (!options.folder.empty()) add_flag("--export", options.folder);
  return command;
}

int compare(const Options& options) {
  engine::ComparisonOptions chosen;
  chosen.metrics = options.metrics;
  chosen.statistic = engine::parse_statistic(options.statistic, "--statistic");
  const auto axis = engine::x_axis_from(options.axis);
  if (!axis)
    engine::fail("bad-value", {.file = "--x"}, fmt::format("\"{}\" is no axis", options.axis),
                 "Allowed: step, tokens, time, flops");
  chosen.axis = *axis;
  chosen.align_at = options.align;
  chosen.cost = options.cost;

  std::vector<engine::ComparableRun> loaded;
  for (const std::string& given : options.runs) {
    for (engine::ComparableRun& run : runs_at(given)) {
      const bool is_known =
          std::any_of(loaded.begin(), loaded.end(), [&](const engine::ComparableRun& other) {
            std::error_code ignored;
            return fs::equivalent(other.path, run.path, ignored);
          });
      if (!is_known) loaded.push_back(std::move(run));
    }
  }
  engine::prepare_comparison(loaded);
  chosen.baseline = baseline_index(loaded, options.baseline);
  std::vector<const engine::ComparableRun*> runs;
  for (const engine::ComparableRun& run : loaded) runs.push_back(&run);
  const engine::RunComparison comparison = engine::compare_runs(runs, chosen);
  if (!options.folder.empty())
    engine::export_comparison(runs, comparison, options.folder, command_of(options));
  if (options.json) {
    Json json = json_of(runs, comparison);
    json["problems"] = Json::array();
    print_json(json);
  } else {
    std::cout << text_of(runs, comparison);
    if (!options.folder.empty())
      std::cout << fmt::format("\nexported to {}: open {}/page.html, or run {}/plot.py\n",
                               options.folder, options.folder, options.folder);
    std::cout << std::flush;
  }
  return kDone;
}

}  // namespace

std::function<int()> declare_compare(CLI::App& app, CLI::App*& sub) {
  auto options = std::make_shared<Options>();
  sub = app.add_subcommand(
      "compare", "What differs between runs, what it did, and whether that is more than noise");
  sub->add_option("RUNS", options->runs,
                  "Run folders, folders of runs, trainer_state.json, CSV or TensorBoard files")
      ->required();
  sub->add_option("--baseline", options->baseline,
                  "The run that others are compared with (the first)");
  sub->add_option("--metric", options->metrics,
                  "Metric to compare; may be repeated (eval_loss and loss)");
  sub->add_option("--statistic", options->statistic, "last, min, max, mean:K or at:STEP")
      ->capture_default_str();
  sub->add_option("--x", options->axis,
                  "Axis that curves are aligned on: step, tokens, time, flops")
      ->capture_default_str();
  sub->add_option("--align", options->align, "Count x from this step of each run");
  sub->add_option("--cost", options->cost,
                  "Set the metric against this: a recorded quantity, or an expression over several "
                  "such as \"output_conversions * 1.2e-12 + macs * 1e-15\"");
  sub->add_option("--export", options->folder,
                  "Write figure, data, configurations, plot.py and a page to this folder");
  sub->add_flag("--json", options->json, "Print one JSON object");
  return [options] { return compare(*options); };
}

}  // namespace paradigm
