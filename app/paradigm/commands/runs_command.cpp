// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/command.h"
#include "app/paradigm/compare_runs.h"
#include "app/paradigm/output.h"
#include "app/paradigm/remote_runs.h"
#include "app/paradigm/run_report.h"
#include "app/paradigm/run_requests.h"
#include "app/paradigm/terminal_progress.h"
#include "engine/csv.h"
#include "engine/error.h"
#include "engine/runs/run_catalog.h"
#include "engine/runs/run_folder.h"
#include "engine/runs/run_reader.h"

#include <fmt/format.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <memory>
#include <thread>

namespace paradigm {
namespace {

namespace fs = std::filesystem;
using engine::RunState;

struct Options {
  std::string folder = "runs";
  std::string run;
  std::string output;
  bool csv = false;
  bool layer_stats = false;
  bool json = false;
};

int list_runs(const Options& options) {
  std::error_code ignored;
  const fs::path folder = readable_folder(options.folder);
  const bool is_there = fs::exists(folder, ignored);
  if (is_there ? !fs::is_directory(folder, ignored) : options.folder != "runs") {
    engine::fail("no-run", {.file = options.folder},
                 is_there ? "this is a file, not a folder" : "there is no such folder",
                 "Name the folder that holds the runs");
  }
  Json list = Json::array();
  std::string text;
  std::size_t width = 4;
  const auto runs = engine::find_runs(folder);
  for (const fs::path& run : runs) width = std::max(width, run.filename().string().size());
  for (const fs::path& run : runs) {
    const engine::RunGlance glance = engine::glance_at(run);
    const std::int64_t step = glance.last_step ? glance.last_step->step : 0;
    const std::int64_t max_steps = glance.status ? glance.status->max_steps : 0;
    list.push_back({{"run", run_address(run)},
                    {"state", engine::to_string(glance.observed.state)},
                    {"detail", glance.observed.detail},
                    {"step", step},
                    {"max_steps", max_steps},
                    {"loss", glance.last_step ? number_json(glance.last_step->loss) : Json()},
                    {"started_at", number_json(glance.started_at)}});
    text +=
        fmt::format("{:<{}}  {:<11}  {:>13}  {:>10}  {}  {}\n", run.filename().string(), width,
                    engine::to_string(glance.observed.state), fmt::format("{}/{}", step, max_steps),
                    glance.last_step ? fmt::format("{:.4f}", glance.last_step->loss) : "-",
                    time_text(glance.started_at), glance.observed.detail);
  }
  if (options.json) {
    print_json({{"runs", list}, {"problems", Json::array()}});
  } else if (runs.empty()) {
    std::cout << "no runs below " << options.folder << std::endl;
  } else {
    std::cout << fmt::format("{:<{}}  {:<11}  {:>13}  {:>10}  {}\n", "run", width, "state", "step",
                             "loss", "started")
              << text << std::flush;
  }
  return kDone;
}

int show_run(const Options& options) {
  const engine::RunSummary summary = engine::summarize_run(find_run(options.run));
  if (!options.json) {
    std::cout << text_of(summary) << std::flush;
    return kDone;
  }
  std::vector<engine::Problem> problems;
  Json json = json_of(summary, problems);
  json["problems"] = problems_json(problems);
  print_json(json);
  return kDone;
}

std::atomic<bool> is_interrupted{false};

int watch_run(const Options& options) {
  const fs::path run = find_run(options.run);
  struct sigaction action = {};
  action.sa_handler = [](int) { is_interrupted = true; };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);

  engine::RunReader reader(run);
  TerminalProgress progress(stdout, TerminalProgress::Style::lines);
  engine::RunUpdate update;
  while (!is_interrupted) {
    update = reader.poll();
    if (options.json) {
      for (const auto& event : update.events) std::cout << engine::to_json(event) << '\n';
      std::cout << std::flush;
    } else {
      progress.show(update);
    }
    if (update.more) continue;
    if (has_ended(update.state)) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  if (is_interrupted || options.json) return kDone;
  std::cout << engine::to_string(update.state)
            << (update.detail.empty() ? "" : ": " + update.detail) << std::endl;
  return update.state == RunState::failed || update.state == RunState::interrupted ? kFailed
                                                                                   : kDone;
}

/// The table as one object: numbers as they stand, null where a cell is empty, words (NaN) as text.
Json table_json(const std::string& csv) {
  const auto records = engine::csv_records(csv);
  Json json = {{"columns", records.at(0)}, {"rows", Json::array()}};
  for (std::size_t i = 1; i < records.size(); ++i) {
    Json row = Json::array();
    for (const std::string& cell : records[i]) {
      Json value = Json::parse(cell, nullptr, false);
      if (value.is_discarded()) value = cell.empty() ? Json() : Json(cell);
      row.push_back(std::move(value));
    }
    json["rows"].push_back(std::move(row));
  }
  json["problems"] = Json::array();
  return json;
}

int export_run(const Options& options) {
  const fs::path run = find_run(options.run);
  std::string text =
      options.layer_stats ? engine::export_layer_stats_csv(run) : engine::export_csv(run);
  if (options.json) text = table_json(text).dump(2) + "\n";
  if (options.output.empty()) {
    std::cout << text << std::flush;
  } else {
    engine::replace_file(options.output, text);
  }
  return kDone;
}

}  // namespace

Command runs_command() {
  return {
      .name = "runs",
      .summary = "List, show, watch, steer, compare and export run folders, live or finished",
      .examples =
          "paradigm runs list\n"
          "paradigm runs show runs/demo --json\n"
          "paradigm runs watch runs/demo\n"
          "paradigm runs list ssh://lab1/data/runs\n"
          "paradigm runs compare runs/plain runs/optical --export comparison\n"
          "paradigm runs pause runs/demo\n"
          "paradigm runs extend runs/demo --max_steps 400 --schedule continue\n"
          "paradigm runs export runs/demo --csv > demo.csv\n"
          "paradigm runs export runs/demo --csv --layer_stats > layers.csv",
      .declare = [](CLI::App& app) -> std::function<int()> {
        auto options = std::make_shared<Options>();
        app.require_subcommand(0, 1);
        const auto add_run = [options](CLI::App* sub) {
          sub->add_option("RUN", options->run, "Run folder, a name below runs/, or ssh://host/path")
              ->required();
        };
        const auto add_json = [options](CLI::App* sub, const char* help) {
          sub->add_flag("--json", options->json, help);
        };
        CLI::App* list = app.add_subcommand("list", "The runs below a folder, newest first");
        list->add_option("FOLDER", options->folder,
                         "Folder that holds run folders, or ssh://[user@]host[:port]/path")
            ->capture_default_str();
        add_json(list, "Print one JSON object");
        CLI::App* show = app.add_subcommand(
            "show", "State, configuration, last metrics and checkpoints of a run");
        add_run(show);
        add_json(show, "Print one JSON object");
        CLI::App* watch = app.add_subcommand(
            "watch", "Follow a run, a line per logged step, until it ends or Ctrl-C");
        add_run(watch);
        add_json(watch, "Print the events as they are, one JSON object a line");
        CLI::App* exported = app.add_subcommand(
            "export", "One row per logged step at full rate, columns named as Hugging Face's logs");
        add_run(exported);
        exported->add_flag("--csv", options->csv, "As comma-separated values (the default)");
        exported->add_flag("--layer_stats", options->layer_stats,
                           "One row per sampled step, layer and statistic instead");
        add_json(exported, "The same table as one JSON object");
        exported->add_option("--output", options->output, "File instead of stdout");
        CLI::App* compared = nullptr;
        const std::function<int()> compare = declare_compare(app, compared);
        const auto steering = declare_run_requests(app);
        return [&app, options, list, show, watch, exported, compare, compared, steering]() -> int {
          if (compared->parsed()) return compare();
          if (list->parsed()) return list_runs(*options);
          if (show->parsed()) return show_run(*options);
          if (watch->parsed()) return watch_run(*options);
          if (exported->parsed()) return export_run(*options);
          if (const auto code = steering()) return *code;
          std::cout << app.help();
          return kBadInput;
        };
      }};
}

}  // namespace paradigm
