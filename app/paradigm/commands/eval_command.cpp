// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/engine_library.h"
#include "app/paradigm/command.h"
#include "app/paradigm/engine_report.h"
#include "app/paradigm/output.h"
#include "app/paradigm/schema_options.h"
#include "app/paradigm/shown_progress.h"
#include "app/paradigm/sweep_figure.h"
#include "app/paradigm/sweep_report.h"
#include "engine/config/run_config.h"
#include "engine/config/sweep_schema.h"
#include "engine/error.h"
#include "engine/runs/run_folder.h"

#include <CLI/CLI.hpp>
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

/// Nothing when no sweep is asked for.
std::optional<SweepOrder> sweep_order(const Options& options) {
  const engine::ParamValues given = checked_values(*options.sweep_flags);
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
  order.csv = checked_output_file(values, "csv");
  order.figure = checked_output_file(values, "figure");
  if (order.figure) check_figure(*order.figure, order.config.axes);
  return order;
}

int sweep(const SweepOrder& order, bool as_json) {
  const auto result = with_shown_progress([&](const engine::ProgressFunction& progress) {
    return app::load_engine().sweep(order.config, progress);
  });
  print_report(as_json, json_of(result), text_of(result));
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
  const auto result = with_shown_progress([&](const engine::ProgressFunction& progress) {
    return app::load_engine().evaluate(config, progress);
  });
  print_report(options.json, json_of(result), text_of(result));
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
