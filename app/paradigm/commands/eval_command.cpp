// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/engine_library.h"
#include "app/paradigm/command.h"
#include "app/paradigm/engine_report.h"
#include "app/paradigm/output.h"
#include "app/paradigm/schema_options.h"
#include "app/paradigm/sweep_figure.h"
#include "app/paradigm/sweep_report.h"
#include "app/paradigm/terminal_progress.h"
#include "app/paradigm/time_left.h"
#include "engine/config/output_file.h"
#include "engine/config/run_config.h"
#include "engine/config/sweep_schema.h"
#include "engine/error.h"
#include "engine/runs/run_folder.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>

namespace paradigm {
namespace {

struct Options {
  std::shared_ptr<SchemaOptions> flags;
  std::shared_ptr<SchemaOptions> sweep_flags;
  std::vector<std::string> sweeps;
  bool json = false;
};

engine::EvalConfig checked_config(const Options& options) {
  const engine::EvalConfig config = engine::eval_config_from(checked_values(*options.flags));
  print_or_throw(problems_in(config));
  return config;
}

/// A sweep as asked for, and the files it is written to.
struct SweepOrder {
  engine::SweepConfig config;
  std::optional<std::string> csv;
  std::optional<std::string> figure;
};

std::optional<std::string> output_file(const engine::ParamValues& values, const std::string& name) {
  if (!is_set(values.get(name))) return std::nullopt;
  const std::string file = values.get_text(name);
  if (const auto problem = engine::output_file_problem("--" + name, file)) {
    throw engine::Error(*problem);
  }
  return file;
}

/// Nothing when no sweep is asked for.
std::optional<SweepOrder> sweep_order(const Options& options) {
  std::vector<engine::Problem> problems;
  const engine::ParamValues given = options.sweep_flags->values(problems);
  const auto more = problems_in(engine::sweep_schema(), given);
  problems.insert(problems.end(), more.begin(), more.end());
  if (engine::has_errors(problems)) throw engine::Error(problems);
  if (options.sweeps.empty() && !is_set(given.get("noise_seeds"))) {
    for (const auto& entry : given.entries()) {
      engine::fail("bad-usage", entry.place,
                   "--" + entry.name + " belongs to a sweep, and none is asked for",
                   "Give --sweep NAME=VALUE,VALUE or --noise_seeds N too");
    }
    return std::nullopt;
  }
  SweepOrder order;
  for (const std::string& text : options.sweeps) {
    order.config.axes.push_back(engine::parse_sweep_axis(text));
  }
  const engine::ParamValues values = engine::sweep_schema().with_defaults(given);
  if (is_set(values.get("noise_seeds"))) order.config.noise_seeds = values.get_int("noise_seeds");
  order.config.reference = values.get_bool("reference");
  order.csv = output_file(values, "csv");
  order.figure = output_file(values, "figure");
  if (order.figure) check_figure(order.config.axes);
  return order;
}

int sweep(const SweepOrder& order, bool as_json) {
  TerminalProgress progress(stderr);
  TimeLeft time_left;
  const engine::SweepResult result = app::load_engine().sweep(
      order.config, [&](const std::string& stage, double done, double total) {
        progress.show_stage(stage, done, total, time_left.text(done, total));
        return true;
      });
  progress.clear_bar();
  if (as_json) {
    print_json(json_of(result));
  } else {
    std::cout << text_of(result) << std::flush;
  }
  if (order.csv) engine::replace_file(*order.csv, csv_of(result));
  if (order.figure) engine::replace_file(*order.figure, svg_of(result));
  return kDone;
}

int evaluate(const Options& options) {
  std::optional<SweepOrder> order = sweep_order(options);
  const engine::EvalConfig config = checked_config(options);
  if (order) {
    order->config.eval = config;
    return sweep(*order, options.json);
  }
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
          .summary = "Loss and perplexity of a checkpoint on a text, plain, transformed or swept",
          .examples =
              "paradigm eval --model_name_or_path resources/demo/checkpoint --validation_file "
              "resources/demo/notes_validation.txt --block_size 128\n"
              "paradigm eval --model_name_or_path resources/demo/checkpoint --validation_file "
              "resources/demo/notes_validation.txt --transform_config "
              "configs/transforms/optical_transformer.yaml\n"
              "paradigm eval --model_name_or_path resources/demo/checkpoint --validation_file "
              "resources/demo/stories_validation.txt --block_size 128 --transform_config "
              "configs/transforms/optical_transformer.yaml --sweep q_levels=4,8,16,64,256 "
              "--noise_seeds 5",
          .declare = [](CLI::App& app) -> std::function<int()> {
            auto options = std::make_shared<Options>();
            options->flags = add_schema_options(app, engine::eval_schema());
            app.add_option("--sweep", options->sweeps,
                           "Measure every value of a parameter of the transform's rules, without "
                           "training: q_levels=4,16,256. Several make a grid")
                ->expected(1)
                ->allow_extra_args(false)
                ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
                ->type_name("NAME=V1,V2")
                ->group("Sweep");
            options->sweep_flags = add_schema_options(app, engine::sweep_schema());
            app.add_flag("--json", options->json, "Print one JSON object");
            return [options] { return evaluate(*options); };
          }};
}

}  // namespace paradigm
