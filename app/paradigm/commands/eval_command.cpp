// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/engine_library.h"
#include "app/paradigm/command.h"
#include "app/paradigm/engine_report.h"
#include "app/paradigm/output.h"
#include "app/paradigm/schema_options.h"
#include "app/paradigm/terminal_progress.h"
#include "engine/config/run_config.h"
#include "engine/error.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

namespace paradigm {
namespace {

struct Options {
  std::shared_ptr<SchemaOptions> flags;
  bool json = false;
};

engine::EvalConfig checked_config(const Options& options) {
  std::vector<engine::Problem> problems;
  const engine::ParamValues values = options.flags->values(problems);
  const auto more = problems_in(engine::eval_schema(), values);
  problems.insert(problems.end(), more.begin(), more.end());
  if (engine::has_errors(problems)) throw engine::Error(problems);
  const engine::EvalConfig config = engine::eval_config_from(values);
  const auto between = problems_in(config);
  if (engine::has_errors(between)) throw engine::Error(between);
  print_problems(problems);
  print_problems(between);
  return config;
}

int evaluate(const Options& options) {
  const engine::EvalConfig config = checked_config(options);
  TerminalProgress progress(stderr);
  const engine::EvalResult result =
      app::load_engine().evaluate(config, [&](const std::string& stage, double done, double total) {
        progress.show_stage(stage, done, total);
        return true;
      });
  progress.clear_bar();
  if (options.json) {
    print_json(json_of(result));
  } else {
    std::cout << text_of(result) << std::flush;
  }
  return kDone;
}

}  // namespace

Command eval_command() {
  return {.name = "eval",
          .summary = "Loss and perplexity of a checkpoint on a text, plain or transformed",
          .examples =
              "paradigm eval --model_name_or_path resources/demo/checkpoint --validation_file "
              "resources/demo/notes_validation.txt --block_size 128\n"
              "paradigm eval --model_name_or_path resources/demo/checkpoint --validation_file "
              "resources/demo/notes_validation.txt --transform_config "
              "configs/transforms/optical_transformer.yaml",
          .declare = [](CLI::App& app) -> std::function<int()> {
            auto options = std::make_shared<Options>();
            options->flags = add_schema_options(app, engine::eval_schema());
            app.add_flag("--json", options->json, "Print one JSON object");
            return [options] { return evaluate(*options); };
          }};
}

}  // namespace paradigm
