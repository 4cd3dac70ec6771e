// SPDX-License-Identifier: GPL-3.0-or-later
// Finished run folders of known content, for comparisons.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace tests {

struct SampleRun {
  std::int64_t seed = 42;
  std::int64_t steps = 100;
  std::int64_t logging_steps = 1;
  std::int64_t eval_steps = 50;  ///< 0 = never
  double learning_rate = 1e-3;
  std::string transform{};  ///< text of transform.yaml, empty = plain
  std::string transform_name = "sample";
  std::function<double(std::int64_t step)> loss{};  ///< of each step; evaluations add 0.1
  bool ends = true;                                 ///< writes run_finished
};

/// The loss of a run whose result is moved by `shift` and by its seed's own noise.
std::function<double(std::int64_t)> sample_loss(std::int64_t seed, double shift,
                                                double seed_spread = 0.02);

/// Writes config.json of a tiny model, run.yaml, transform.yaml and events.jsonl to `folder`.
void write_sample_run(const std::filesystem::path& folder, const SampleRun& run);

/// Appends the line of one more step, as a run that still trains does.
void append_sample_step(const std::filesystem::path& folder, std::int64_t step,
                        const std::function<double(std::int64_t)>& loss);

}  // namespace tests
