// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/engine_library.h"
#include "app/paradigm/command.h"
#include "app/paradigm/output.h"
#include "app/paradigm/paradigm_report.h"
#include "app/paradigm/terminal_progress.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>

namespace paradigm {
namespace {

struct Options {
  std::string reference;
  bool json = false;
};

int check(const Options& options) {
  ParadigmReport report;
  report.paradigm = engine::choose_paradigm(options.reference);
  if (!options.json) std::cout << report.schema_text() << std::flush;
  TerminalProgress progress(stderr);
  report.results = app::load_engine().check_paradigm(
      options.reference, [&](const std::string& stage, double done, double total) {
        progress.show_stage(stage, done, total);
        return true;
      });
  progress.clear_bar();
  if (options.json) {
    print_json(report.json());
  } else {
    std::cout << report.results_text() << std::flush;
  }
  return report.is_broken() ? kFailed : kDone;
}

}  // namespace

Command check_command() {
  return {.name = "check",
          .summary = "Parameters of a paradigm, and whether it keeps what every paradigm must keep",
          .examples =
              "paradigm check configs/paradigms/photodetector/photodetector.pt\n"
              "paradigm check optical_transformer --json",
          .declare = [](CLI::App& app) -> std::function<int()> {
            auto options = std::make_shared<Options>();
            app.add_option("PARADIGM", options->reference,
                           "TorchScript file, its name in a paradigm folder, or a built-in one")
                ->required();
            app.add_flag("--json", options->json, "Print one JSON object");
            return [options] { return check(*options); };
          }};
}

}  // namespace paradigm
