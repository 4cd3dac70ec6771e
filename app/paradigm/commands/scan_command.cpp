// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/engine_library.h"
#include "app/paradigm/command.h"
#include "app/paradigm/schema_options.h"
#include "app/paradigm/shown_progress.h"
#include "app/paradigm/trial_report.h"
#include "engine/config/output_file.h"
#include "engine/config/trial_schema.h"
#include "engine/error.h"
#include "engine/runs/run_folder.h"

#include <CLI/CLI.hpp>
#include <memory>

namespace paradigm {
namespace {

struct Options {
  std::shared_ptr<SchemaOptions> flags;
  bool json = false;
};

int scan(const Options& options) {
  const engine::ParamValues values = checked_values(*options.flags);
  const engine::TrialConfig config = engine::trial_config_from(values);
  const engine::ScanOptions wanted = engine::scan_options_from(values);
  print_or_throw(problems_in(config.eval));
  print_or_throw(problems_in(wanted));
  const auto output = checked_output_file(values, "output");
  checked_output_file(values, "results");
  if (output && engine::is_same_file(*output, config.eval.transform_config.value_or(""))) {
    engine::fail("bad-value", {.file = "--output"},
                 "--output and --transform_config are the same file",
                 "Give --output a name of its own");
  }
  const auto result = with_shown_progress([&](const engine::ProgressFunction& progress) {
    return app::load_engine().open_trial(config, progress)->scan(std::nullopt, wanted, progress);
  });
  print_report(options.json, json_of(result), text_of(result));
  if (!output) return kDone;
  if (!result.proposal.yaml.empty()) {
    engine::replace_file(*output, result.proposal.yaml);
  } else {
    engine::Problem nothing;
    nothing.severity = engine::Severity::warning;
    nothing.id = "no-proposal";
    nothing.place.file = *output;
    nothing.message = "not written: " + result.proposal.summary;
    print_problems({nothing});
  }
  return kDone;
}

}  // namespace

Command scan_command() {
  return {.name = "scan",
          .summary = "Which layers bear a transform: each one alone and each one kept digital",
          .examples =
              "paradigm scan --model_name_or_path resources/demo/checkpoint --validation_file "
              "resources/demo/stories_validation.txt --block_size 128 --transform_config "
              "configs/transforms/optical_transformer.yaml --output kept.yaml\n"
              "paradigm scan --model_name_or_path resources/demo/checkpoint --validation_file "
              "resources/demo/stories_validation.txt --transform_config "
              "configs/transforms/random_bitflip.yaml --no_layers --json",
          .declare = [](CLI::App& app) -> std::function<int()> {
            auto options = std::make_shared<Options>();
            options->flags = add_schema_options(app, engine::scan_schema());
            app.add_flag("--json", options->json, "Print one JSON object");
            return [options] { return scan(*options); };
          }};
}

}  // namespace paradigm
