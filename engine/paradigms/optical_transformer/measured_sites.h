// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/model/linear_layer.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace engine::optical_transformer {

/// Outputs that a signal-to-noise ratio is taken over: enough for 0.02 dB, and few enough for the
/// exact product to cost little beside the step.
inline constexpr std::int64_t kMeasuredOutputs = 1 << 20;

/// How many of the first rows that is, of `rows` with so many outputs each; at least one.
inline std::int64_t measured_rows(std::int64_t rows, std::int64_t outputs) {
  return std::clamp<std::int64_t>(kMeasuredOutputs / outputs, 1, rows);
}

/// Collects what a layer measured in one step, by the names that the run folder shows: "out_lo",
/// "clamp_rate". Everything stays on the layer's device.
class MeasuredSites {
 public:
  void add(std::string name, const at::Tensor& value) {
    statistics_.push_back({std::move(name), value});
  }
  void add_range(const std::string& site, const at::Tensor& range) {
    add(site + "_lo", range[0]);
    add(site + "_hi", range[1]);
  }
  /// Observations since the layer was made that were not finite and so changed no range: the count
  /// itself, for kernels on CUDA go on counting until the pass is over.
  void add_refused(const at::Tensor& count) { add("refused_observations", count); }
  std::vector<NamedStatistic> take() { return std::move(statistics_); }

 private:
  std::vector<NamedStatistic> statistics_;
};

}  // namespace engine::optical_transformer
