// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/model/linear_layer.h"
#include "kernels/range_statistics/range_statistics.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

namespace engine::optical_transformer {

/// The running range {lo, hi} of one place in a layer: an fp32 tensor [2] that goes into
/// checkpoints, (+inf, -inf) until something was observed. Not for concurrent use, like the layer
/// that owns it.
class RangeTracker {
 public:
  /// `state_name` as in checkpoints: "x_min_max".
  RangeTracker(std::string state_name, float smooth_factor);

  bool is_set() const;
  kernels::Range range() const;
  /// Folds an observation in. One that is not finite changes nothing and is counted.
  void observe(const kernels::Range& observed);
  /// Throws Error naming `layer` and the remedy when nothing was observed yet.
  void require_set(const std::string& layer) const;

  std::int64_t refused_observations() const { return refused_; }
  NamedState state() const { return {name_, tensor_}; }

 private:
  std::string name_;
  float smooth_factor_;
  at::Tensor tensor_;
  std::int64_t refused_ = 0;
};

}  // namespace engine::optical_transformer
