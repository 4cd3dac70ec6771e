// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/run_flags.h"

#include "app/paradigm/output.h"
#include "app/paradigm/train_session.h"
#include "engine/config/run_values.h"
#include "engine/error.h"

#include <CLI/CLI.hpp>

namespace paradigm {

std::shared_ptr<RunFlags> add_run_flags(CLI::App& app) {
  auto options = std::make_shared<RunFlags>();
  options->flags = add_schema_options(app, engine::train_schema());
  app.add_option(
         "--config", options->config,
         "A run.yaml (or the run folder that holds it): the same keys as these flags, which "
         "win over it")
      ->type_name("PATH");
  return options;
}

engine::RunConfig checked_run_config(const RunFlags& given) {
  std::vector<engine::Problem> problems = launcher_problems();
  const auto add = [&](std::vector<engine::Problem> more) {
    problems.insert(problems.end(), more.begin(), more.end());
  };
  const engine::ParamValues values =
      engine::values_over_file(given.config, given.flags->values(problems), problems);
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

}  // namespace paradigm
