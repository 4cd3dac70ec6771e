// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/engine_library.h"
#include "app/paradigm/command.h"
#include "app/paradigm/output.h"
#include "app/paradigm/schema_options.h"
#include "app/paradigm/train_session.h"
#include "engine/config/run_config.h"
#include "engine/error.h"
#include "engine/strict_json.h"

#include <CLI/CLI.hpp>
#include <ctime>
#include <filesystem>
#include <memory>

namespace paradigm {
namespace {

struct Options {
  std::shared_ptr<SchemaOptions> flags;
  std::string config;
  bool json = false;
};

constexpr std::size_t kLongestRunYaml = 1 << 20;

/// A run.yaml, or a run folder that holds one. The command line wins.
engine::ParamValues merged_values(const Options& options, std::vector<engine::Problem>& problems) {
  const engine::ParamValues given = options.flags->values(problems);
  if (options.config.empty()) return given;
  std::filesystem::path file = options.config;
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) file /= "run.yaml";
  const std::string text = engine::read_text_file(file, kLongestRunYaml);
  engine::ParamValues values = engine::parse_run_yaml(text, file.string(), problems);
  for (const auto& entry : given.entries()) values.set(entry.name, entry.value, entry.place);
  return values;
}

engine::RunConfig checked_config(const Options& options) {
  std::vector<engine::Problem> problems = launcher_problems();
  const auto add = [&](std::vector<engine::Problem> more) {
    problems.insert(problems.end(), more.begin(), more.end());
  };
  const engine::ParamValues values = merged_values(options, problems);
  add(problems_in(engine::train_schema(), values));
  if (engine::has_errors(problems)) throw engine::Error(problems);
  engine::RunConfig config = engine::run_config_from(values);
  add(problems_in(config));
  if (engine::has_errors(problems)) throw engine::Error(problems);
  print_problems(problems);
  if (config.output_dir.empty()) {
    config.output_dir = engine::default_output_dir(config, std::time(nullptr));
  }
  return config;
}

int train(const Options& options) {
  const engine::RunConfig config = checked_config(options);
  return train_in_terminal(config, app::load_engine(), options.json);
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
            options->flags = add_schema_options(app, engine::train_schema());
            app.add_option("--config", options->config,
                           "A run.yaml (or the run folder that holds it): the same keys as these "
                           "flags, which win over it")
                ->type_name("PATH");
            app.add_flag("--json", options->json,
                         "Print one JSON object at the end; the progress goes to stderr");
            return [options] { return train(*options); };
          }};
}

}  // namespace paradigm
