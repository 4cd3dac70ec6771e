// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/engine_library.h"
#include "app/paradigm/bench_report.h"
#include "app/paradigm/command.h"
#include "app/paradigm/output.h"
#include "app/paradigm/schema_options.h"
#include "app/paradigm/shown_progress.h"
#include "engine/config/bench_config.h"
#include "engine/error.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <optional>

namespace paradigm {
namespace {

struct Options {
  std::shared_ptr<SchemaOptions> flags;
  std::vector<std::string> transforms;
  std::optional<std::string> against;
  bool json = false;
};

engine::BenchConfig checked_config(const Options& options) {
  engine::BenchConfig config = engine::bench_config_from(checked_values(*options.flags));
  config.transform_configs = options.transforms;
  print_or_throw(problems_in(config));
  return config;
}

int bench(const Options& options) {
  const engine::BenchConfig config = checked_config(options);
  std::optional<EarlierBench> earlier;
  if (options.against) earlier = read_earlier_bench(*options.against);
  const auto result = with_shown_progress([&](const engine::ProgressFunction& progress) {
    return app::load_engine().bench(config, progress);
  });
  if (!options.json) {
    std::cout << text_of(result, earlier) << std::flush;
    return kDone;
  }
  Json json = json_of(result);
  if (earlier) {
    Json ratios = Json::object();
    for (const Json& variant : json["variants"]) {
      for (const auto& [name, seconds] : earlier->step_seconds) {
        if (name != variant["name"]) continue;
        ratios[name] = variant["step_seconds"]["median"].get<double>() / seconds;
      }
    }
    json["against"] = {{"file", earlier->file},
                       {"step_seconds_ratio", ratios},
                       {"differences", differences(result, *earlier)}};
  }
  print_json(json);
  return kDone;
}

}  // namespace

Command bench_command() {
  return {.name = "bench",
          .summary = "Time training steps, plain and transformed, turn by turn in one process",
          .examples =
              "paradigm bench --flavor 60M --batch_size 2 --seq_len 512 --device cpu --threads 2 "
              "--transform_config configs/transforms/optical_linear_only.yaml "
              "configs/transforms/optical_transformer.yaml\n"
              "paradigm bench --flavor debug --device cpu --json > before.json\n"
              "paradigm bench --flavor debug --device cpu --against before.json",
          .declare = [](CLI::App& app) -> std::function<int()> {
            auto options = std::make_shared<Options>();
            options->flags = add_schema_options(app, engine::bench_schema());
            app.add_option("--transform_config,--transform-config", options->transforms,
                           "Transform files; each is a variant beside the plain model")
                ->type_name("FILE...")
                ->group("Workload");
            app.add_option("--against", options->against,
                           "The JSON of an earlier bench: prints step time now / then")
                ->type_name("FILE");
            app.add_flag("--json", options->json, "Print one JSON object");
            return [options] { return bench(*options); };
          }};
}

}  // namespace paradigm
