// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/train_command.h"

#include "app/engine_library.h"
#include "app/paradigm/command.h"
#include "app/paradigm/estimate_report.h"
#include "app/paradigm/run_flags.h"
#include "app/paradigm/shown_progress.h"
#include "app/paradigm/train_session.h"
#include "app/paradigm/watched_child.h"
#include "engine/error.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

namespace paradigm {
namespace {

struct Options {
  std::shared_ptr<RunFlags> flags;
  bool estimate = false;
  std::string predicted;
  bool json = false;
};

engine::CostPrediction given_prediction(const std::string& text) {
  if (const auto prediction = engine::parse_prediction(text)) return *prediction;
  engine::fail("bad-value", {.file = "--predicted"}, "--predicted is \"" + text + "\"",
               "Give seconds of a step, seconds in all, bytes of memory and bytes of a checkpoint: "
               "four numbers with commas between them, -1 for one that is not known");
}

engine::CostPrediction predicted(const engine::RunConfig& config, const engine::EngineApi& engine,
                                 bool as_json) {
  const auto estimate = with_shown_progress([&](const engine::ProgressFunction& progress) {
    return engine.estimate(config, {.per_rule = false}, progress);
  });
  std::fputs(text_of(estimate).c_str(), as_json ? stderr : stdout);
  return estimate.prediction();
}

int train(const Options& options) {
  engine::RunConfig config = checked_run_config(*options.flags);
  if (!options.predicted.empty()) config.prediction = given_prediction(options.predicted);
  return in_watched_child(config.output_dir, [&] {
    const engine::EngineApi& engine = app::load_engine();
    if (options.estimate) config.prediction = predicted(config, engine, options.json);
    return train_in_terminal(config, engine, options.json);
  });
}

}  // namespace

Command train_command() {
  return {.name = "train",
          .summary = "Train a checkpoint, plain or transformed, into a run folder",
          .examples =
              "paradigm train --config resources/demo/run.yaml\n"
              "paradigm train --model_name_or_path resources/demo/checkpoint --train_file "
              "resources/demo/notes_train.txt --block_size 128 --transform_config "
              "configs/transforms/optical_transformer.yaml --max_steps 50\n"
              "paradigm train --config runs/earlier --learning_rate 1e-4 --output_dir runs/again",
          .declare = [](CLI::App& app) -> std::function<int()> {
            auto options = std::make_shared<Options>();
            options->flags = add_run_flags(app);
            app.add_flag("--estimate", options->estimate,
                         "First probe what the run will cost, and record it beside what it did");
            app.add_option("--predicted", options->predicted,
                           "What an estimate said before, to be recorded beside what the run did: "
                           "STEP_SECONDS,SECONDS,PEAK_BYTES,CHECKPOINT_BYTES")
                ->type_name("NUMBERS");
            app.add_flag("--json", options->json,
                         "Print one JSON object at the end; the progress goes to stderr");
            return [options] { return train(*options); };
          }};
}

}  // namespace paradigm
