// SPDX-License-Identifier: GPL-3.0-or-later
// The flags of `paradigm bench`.
#include "engine/config/bench_config.h"
#include "engine/config/flag_tables.h"
#include "engine/config/output_file.h"
#include "engine/config/run_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

namespace engine {
namespace {

ParamSpecs workload_flags() {
  return in_group(
      "Workload",
      {text("flavor", unset)
           .nullable()
           .ours()
           .help("A size of the CLM family with fresh weights: debug, 60M, 200M, 400M, 600M, 1.1B"),
       path("model_name_or_path", unset).nullable().help("A checkpoint instead of a flavor"),
       integer("batch_size", 2)
           .range(1, kMostAtOnce)
           .ours()
           .unit("sequences")
           .help("Rows of a step"),
       integer("seq_len", 512)
           .range(2, kLongestBlock)
           .ours()
           .unit("tokens")
           .help("Length of a row; the tokens are random"),
       boolean("bf16", false).help("Compute in bfloat16 over fp32 weights"),
       integer("threads", unset)
           .nullable()
           .range(1, 4096)
           .ours()
           .help("Processor threads; null = as many as LibTorch takes by itself"),
       integer("seed", 42).range(0, kNoLimit).help("Of fresh weights, tokens and simulated noise"),
       boolean("per_rule", false)
           .ours()
           .help("Also time each rule of each transform by itself, the other layers plain")});
}

ParamSpecs measurement_flags() {
  return in_group("Measurement",
                  {integer("warmup", 2)
                       .range(0, kMostAtOnce)
                       .ours()
                       .unit("steps")
                       .help("Steps of every variant before anything is timed"),
                   integer("rounds", 3)
                       .range(1, kMostAtOnce)
                       .ours()
                       .help("A ratio is taken in each round; the worst of them is printed too"),
                   integer("repeats", 5)
                       .range(1, kMostAtOnce)
                       .ours()
                       .help("Measurements of each variant in a round; the variants take turns"),
                   integer("steps", 1)
                       .range(1, kMostAtOnce)
                       .ours()
                       .unit("steps")
                       .help("Consecutive steps in one measurement; the device is waited for "
                             "behind the last one only"),
                   integer("layer_stats_steps", 0)
                       .range(0, kMostAtOnce)
                       .ours()
                       .unit("steps")
                       .help("Let the simulated layers measure themselves on every so many steps, "
                             "as they do in training: what that costs. 0 = never"),
                   path("profile", unset)
                       .nullable()
                       .ours()
                       .help("After the measurements, profile a step of each variant: prints the "
                             "time per kind of kernel, and leaves Chrome traces in this folder")});
}

Problem flag_problem(const std::string& flag, const std::string& value, std::string message,
                     std::string remedy) {
  return {.id = "bad-value",
          .severity = Severity::error,
          .place = {.file = "--" + flag},
          .value = value,
          .message = std::move(message),
          .remedy = std::move(remedy)};
}

/// Beyond these, threads only wait for each other: a step takes minutes.
std::int64_t most_threads() {
  return 4 * static_cast<std::int64_t>(std::max(1U, std::thread::hardware_concurrency()));
}

std::optional<Problem> thread_problem(std::int64_t threads) {
  if (threads <= most_threads()) return std::nullopt;
  return flag_problem(
      "threads", fmt::format("{}", threads),
      fmt::format("threads is {}, and this machine has {} processors", threads, most_threads() / 4),
      fmt::format("Give at most {}, four for each processor", most_threads()));
}

std::optional<Problem> profile_problem(const std::string& folder) {
  const std::string obstacle = folder.empty() ? "no folder is named" : obstacle_to_folder(folder);
  if (obstacle.empty()) return std::nullopt;
  return flag_problem("profile", folder, "no traces can be written: " + obstacle,
                      "Name a folder that you may write to, or one that can be made");
}

/// Each is a variant of its own in the report.
std::optional<Problem> repeated_transform(const std::vector<std::string>& files) {
  for (std::size_t i = 0; i < files.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (files[i] != files[j] && !is_same_file(files[i], files[j])) continue;
      return flag_problem("transform_config", files[i], files[i] + " is given twice",
                          "Give each transform once; --repeats measures it more often");
    }
  }
  return std::nullopt;
}

}  // namespace

const ParamSchema& bench_schema() {
  static const ParamSchema schema = [] {
    ParamSpecs flags = workload_flags();
    append(flags, measurement_flags());
    append(flags, training_device_flags());
    return ParamSchema(std::move(flags));
  }();
  return schema;
}

BenchConfig bench_config_from(const ParamValues& given) {
  const ParamValues values = bench_schema().with_defaults(given);
  BenchConfig config;
  if (is_set(values.get("flavor"))) config.flavor = values.get_text("flavor");
  if (is_set(values.get("model_name_or_path"))) {
    config.model_name_or_path = values.get_text("model_name_or_path");
  }
  config.per_rule = values.get_bool("per_rule");
  config.batch_size = values.get_int("batch_size");
  config.seq_len = values.get_int("seq_len");
  config.bf16 = values.get_bool("bf16");
  if (is_set(values.get("profile"))) config.profile = values.get_text("profile");
  config.cuda_graphs = values.get_bool("cuda_graphs");
  config.layer_stats_steps = values.get_int("layer_stats_steps");
  config.activation_checkpointing = values.get_text("activation_checkpointing");
  config.full_determinism = values.get_bool("full_determinism");
  config.device = values.get_bool("use_cpu") ? "cpu" : values.get_text("device");
  if (is_set(values.get("threads"))) config.threads = values.get_int("threads");
  config.warmup = values.get_int("warmup");
  config.rounds = values.get_int("rounds");
  config.repeats = values.get_int("repeats");
  config.steps = values.get_int("steps");
  config.seed = values.get_int("seed");
  return config;
}

std::vector<Problem> problems_in(const BenchConfig& config) {
  std::vector<Problem> problems;
  if (!config.flavor && !config.model_name_or_path) {
    problems.push_back(flag_problem("flavor", "", "no model is given",
                                    "Give --flavor, such as 60M, or --model_name_or_path"));
  }
  if (config.flavor && config.model_name_or_path) {
    problems.push_back(flag_problem("flavor", *config.flavor,
                                    "flavor and model_name_or_path are both given",
                                    "Give one of the two"));
  }
  if (!is_device_name(config.device)) {
    problems.push_back(flag_problem("device", config.device,
                                    fmt::format("device is \"{}\"", config.device),
                                    "Allowed: auto, cpu, cuda, cuda:N"));
  }
  const auto add = [&](const std::optional<Problem>& problem) {
    if (problem) problems.push_back(*problem);
  };
  if (config.threads) add(thread_problem(*config.threads));
  if (config.profile) add(profile_problem(*config.profile));
  add(repeated_transform(config.transform_configs));
  return problems;
}

}  // namespace engine
