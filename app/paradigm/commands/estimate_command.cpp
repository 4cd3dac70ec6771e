// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cost_estimate_json.h"
#include "app/engine_library.h"
#include "app/paradigm/cancel_signals.h"
#include "app/paradigm/command.h"
#include "app/paradigm/estimate_report.h"
#include "app/paradigm/number_check.h"
#include "app/paradigm/run_flags.h"
#include "app/paradigm/shown_progress.h"

#include <CLI/CLI.hpp>
#include <memory>

namespace paradigm {
namespace {

struct Options {
  std::shared_ptr<RunFlags> flags;
  engine::EstimateOptions estimate;
  double memory_limit_gb = 0;
  bool json = false;
};

int estimate(const Options& options) {
  const engine::RunConfig config = checked_run_config(*options.flags);
  engine::EstimateOptions wanted = options.estimate;
  wanted.memory_limit = std::llround(options.memory_limit_gb * 1e9);
  const CancelSignals signals;  // the folder that it writes into is not left behind
  const auto result = with_shown_progress(
      [&](const engine::ProgressFunction& progress) {
        return app::load_engine().estimate(config, wanted, progress);
      },
      [&] { return signals.have_come(); });
  Json json = app::json_of(result);
  json["problems"] = Json::array();
  print_report(options.json, json, text_of(result));
  return kDone;
}

}  // namespace

Command estimate_command() {
  return {
      .name = "estimate",
      .summary = "Find what a training would cost in time, memory and disk, by a few steps of it",
      .examples =
          "paradigm estimate --config resources/demo/run.yaml\n"
          "paradigm estimate --config resources/demo/run.yaml --fit --memory_limit 0.6",
      .declare = [](CLI::App& app) -> std::function<int()> {
        auto options = std::make_shared<Options>();
        options->flags = add_run_flags(app);
        app.add_option("--probe_steps", options->estimate.probe_steps,
                       "Steps that are timed, after one that warms up")
            ->check(CLI::Range(2, 1000))
            ->capture_default_str();
        app.add_flag("!--no_per_rule", options->estimate.per_rule,
                     "Leave out the step time of each rule by itself");
        app.add_flag("--fit", options->estimate.fit,
                     "Halve the micro-batch, and double the accumulation, until the run fits");
        app.add_option("--memory_limit", options->memory_limit_gb,
                       "Memory that the run may use; 0 = what is free on the device")
            ->type_name("GB")
            ->check(number_in(0, 1e9));
        app.add_flag("--json", options->json, "Print one JSON object");
        return [options] { return estimate(*options); };
      }};
}

}  // namespace paradigm
