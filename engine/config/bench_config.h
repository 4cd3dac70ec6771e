// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/param_schema.h"
#include "engine/problem.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace engine {

/// What `paradigm bench` is asked for: whole training steps on random tokens.
struct BenchConfig {
  std::optional<std::string> flavor;              ///< of the CLM family, freshly initialised
  std::optional<std::string> model_name_or_path;  ///< a checkpoint
  std::vector<std::string> transform_configs;     ///< each a variant beside the plain one
  bool per_rule = false;                          ///< also each rule of each transform by itself
  std::int64_t batch_size = 2;
  std::int64_t seq_len = 512;
  bool bf16 = false;
  bool cuda_graphs = true;
  std::int64_t layer_stats_steps = 0;
  std::string activation_checkpointing = "none";
  bool full_determinism = false;
  std::string device = "auto";
  std::optional<std::int64_t> threads;  ///< absent: as many as LibTorch takes
  std::int64_t warmup = 2;
  std::int64_t rounds = 3;
  std::int64_t repeats = 5;
  std::int64_t steps = 1;
  std::int64_t seed = 42;
  std::optional<std::string> profile;  ///< folder for a Chrome trace of each variant
};

const ParamSchema& bench_schema();
/// `values` have passed problems_in(bench_schema()).
BenchConfig bench_config_from(const ParamValues& values);
std::vector<Problem> problems_in(const BenchConfig& config);

}  // namespace engine
