// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/model/linear_layer.h"
#include "engine/paradigms/optical_transformer/range_tracker.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace engine::optical_transformer {

/// Outputs that a signal-to-noise ratio is taken over: enough for 0.02 dB, and few enough for the
/// exact product to cost little beside the step.
inline constexpr std::int64_t kMeasuredOutputs = 1 << 20;

/// How many of y's first rows that is; at least one.
inline std::int64_t measured_rows(const at::Tensor& y) {
  const std::int64_t row =
      std::max<std::int64_t>(1, y.numel() / std::max<std::int64_t>(1, y.size(0)));
  return std::min(y.size(0), std::max<std::int64_t>(1, kMeasuredOutputs / row));
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
  /// Observations since the layer was made that were not finite and so changed no range.
  void add_refused(const std::vector<const RangeTracker*>& ranges) {
    at::Tensor total;
    for (const RangeTracker* range : ranges) {
      total = total.defined() ? total + range->refused() : range->refused();
    }
    add("refused_observations", total.to(at::kFloat)[0]);
  }
  std::vector<NamedStatistic> take() { return std::move(statistics_); }

 private:
  std::vector<NamedStatistic> statistics_;
};

}  // namespace engine::optical_transformer
