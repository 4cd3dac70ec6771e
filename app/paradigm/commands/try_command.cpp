// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/engine_library.h"
#include "app/paradigm/command.h"
#include "app/paradigm/schema_options.h"
#include "app/paradigm/shown_progress.h"
#include "app/paradigm/trial_report.h"
#include "engine/config/trial_schema.h"

#include <CLI/CLI.hpp>
#include <memory>

namespace paradigm {
namespace {

struct Options {
  std::shared_ptr<SchemaOptions> flags;
  bool json = false;
};

int try_it(const Options& options) {
  const engine::ParamValues values = checked_values(*options.flags);
  const engine::TrialConfig config = engine::trial_config_from(values);
  print_or_throw(problems_in(config.eval));
  const auto result = with_shown_progress([&](const engine::ProgressFunction& progress) {
    return app::load_engine()
        .open_trial(config, progress)
        ->try_transform(std::nullopt, engine::try_options_from(values), progress);
  });
  print_report(options.json, json_of(result), text_of(result));
  return kDone;
}

}  // namespace

Command try_command() {
  return {.name = "try",
          .summary = "What a transform costs in loss, where its error arises, which tokens change",
          .examples =
              "paradigm try --model_name_or_path resources/demo/checkpoint --validation_file "
              "resources/demo/stories_validation.txt --block_size 128 --transform_config "
              "configs/transforms/optical_transformer.yaml\n"
              "paradigm try --model_name_or_path resources/demo/checkpoint --validation_file "
              "resources/demo/stories_validation.txt --transform_config "
              "configs/transforms/random_bitflip.yaml --prompt 'Once upon a time' --json",
          .declare = [](CLI::App& app) -> std::function<int()> {
            auto options = std::make_shared<Options>();
            options->flags = add_schema_options(app, engine::try_schema());
            app.add_flag("--json", options->json, "Print one JSON object");
            return [options] { return try_it(*options); };
          }};
}

}  // namespace paradigm
