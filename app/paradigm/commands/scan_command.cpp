// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/engine_library.h"
#include "app/paradigm/command.h"
#include "app/paradigm/schema_options.h"
#include "app/paradigm/terminal_progress.h"
#include "app/paradigm/time_left.h"
#include "app/paradigm/trial_report.h"
#include "engine/config/output_file.h"
#include "engine/config/trial_schema.h"
#include "engine/error.h"
#include "engine/runs/run_folder.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

namespace paradigm {
namespace {

struct Options {
  std::shared_ptr<SchemaOptions> flags;
  bool json = false;
};

/// The file that `name` gives, "" = none; throws Error when it cannot be written.
std::string output_file(const engine::ParamValues& values, const std::string& name) {
  if (!is_set(values.get(name))) return "";
  const std::string file = values.get_text(name);
  if (const auto problem = engine::output_file_problem("--" + name, file))
    throw engine::Error(*problem);
  return file;
}

int scan(const Options& options) {
  const engine::ParamValues values = checked_values(*options.flags);
  const engine::TrialConfig config = engine::trial_config_from(values);
  const engine::ScanOptions wanted = engine::scan_options_from(values);
  print_or_throw(problems_in(config.eval));
  print_or_throw(problems_in(wanted));
  const std::string output = output_file(values, "output");
  output_file(values, "results");
  TerminalProgress progress(stderr);
  TimeLeft time_left;
  const auto show = [&](const std::string& stage, double done, double total) {
    progress.show_stage(stage, done, total, time_left.text(done, total));
    return true;
  };
  const auto trial = app::load_engine().open_trial(config, show);
  const engine::ScanResult result = trial->scan(std::nullopt, wanted, show);
  progress.clear_bar();
  if (options.json) {
    print_json(json_of(result));
  } else {
    std::cout << text_of(result) << std::flush;
  }
  if (output.empty()) return kDone;
  if (!result.proposal.yaml.empty()) {
    engine::replace_file(output, result.proposal.yaml);
  } else {
    engine::Problem nothing;
    nothing.severity = engine::Severity::warning;
    nothing.id = "no-proposal";
    nothing.place.file = output;
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
