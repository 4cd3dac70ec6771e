// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/command.h"
#include "app/paradigm/output.h"
#include "app/paradigm/run_report.h"
#include "app/paradigm/study_report.h"
#include "app/paradigm/study_session.h"
#include "engine/error.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

namespace paradigm {
namespace {

struct Options {
  std::string file;
  std::string cell;
  bool dry_run = false;
  bool slurm = false;
  bool json = false;
};

/// `view` with the runs that --cell names alone.
StudyView chosen_in(const StudyView& view, const std::string& cell) {
  if (cell.empty()) return view;
  StudyView kept{.study = view.study, .cells = {}, .statuses = {}};
  for (std::size_t i = 0; i < view.cells.size(); ++i) {
    if (view.cells[i].name() != cell && view.cells[i].label != cell) continue;
    kept.cells.push_back(view.cells[i]);
    kept.statuses.push_back(view.statuses[i]);
  }
  if (kept.cells.empty()) {
    engine::fail("no-cell", {.file = "--cell"}, "the study has no cell " + cell,
                 "See paradigm study status");
  }
  return kept;
}

int run(const Options& options) {
  const StudyView view = engine::read_study(options.file);
  engine::refuse_other_runs(view);
  const StudyView planned = chosen_in(view, options.cell);
  if (!options.json) print_problems(engine::changed_transforms_in(planned));
  if (options.dry_run) {
    print_report(options.json, json_of(planned), plan_text(planned));
    return kDone;
  }
  const StudyView begun = chosen_in(engine::begin_study(view), options.cell);
  if (options.slurm) {
    std::cout << write_slurm_script(begun) << std::flush;
    return kDone;
  }
  return run_study(begun, options.json);
}

int status(const Options& options) {
  const StudyView view = engine::read_study(options.file);
  if (!options.json) print_problems(engine::changed_transforms_in(view));
  print_report(options.json, json_of(view), status_text(view));
  return kDone;
}

}  // namespace

Command study_command() {
  return {.name = "study",
          .summary = "Train all combinations of a study.yaml; the same command goes on with it",
          .examples =
              "paradigm study run configs/studies/demo.yaml --dry_run\n"
              "paradigm study run configs/studies/demo.yaml\n"
              "paradigm study status configs/studies/demo.yaml",
          .declare = [](CLI::App& app) -> std::function<int()> {
            auto options = std::make_shared<Options>();
            app.require_subcommand(0, 1);
            const auto add = [&](const char* name, const char* help) {
              CLI::App* sub = app.add_subcommand(name, help);
              sub->add_option("FILE", options->file, "The study.yaml")->required();
              sub->add_flag("--json", options->json, "Print one JSON object at the end");
              return sub;
            };
            CLI::App* run_app =
                add("run", "Run the cells that are missing or interrupted, one after the other");
            run_app->add_flag("--dry_run,--dry-run", options->dry_run,
                              "Check everything and print what would be done");
            run_app->add_flag("--slurm", options->slurm,
                              "Write a Slurm job array over these cells instead, and print how to "
                              "submit it");
            run_app->add_option("--cell", options->cell, "Only the runs of this cell, or this run");
            CLI::App* status_app = add("status", "State of every cell, and what came of it");
            return [&app, options, run_app, status_app]() -> int {
              if (run_app->parsed()) return run(*options);
              if (status_app->parsed()) return status(*options);
              std::cout << app.help();
              return kBadInput;
            };
          }};
}

}  // namespace paradigm
