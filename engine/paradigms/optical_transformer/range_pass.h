// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/paradigms/optical_transformer/optical_options.h"
#include "engine/paradigms/optical_transformer/range_tracker.h"

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace engine::optical_transformer {

/// How one forward pass observes and uses the ranges of its layer: in which order, and whether at
/// all (README, "Ranges"). Ranges are fp32 tensors {lo, hi}.
class RangePass {
 public:
  RangePass(const OpticalOptions& options, const ForwardContext& context);

  bool observes() const { return observes_; }
  /// Throws Error naming `layer` when this pass needs a range that was never observed, and may not
  /// observe it.
  void require(const RangeTracker& range, const std::string& layer) const;
  /// Whether a read-out needs its range made from the accumulator at hand before it can use it.
  bool must_initialise(const RangeTracker& range) const { return observes_ && !range.is_set(); }
  /// The range in which an operand is quantised. Training observes `dense` first, so that the range
  /// contains it already; with stats: delayed only the next micro-step's will.
  at::Tensor operand(RangeTracker& range, const at::Tensor& dense);
  /// The range as it stands; in a recomputed forward the one that the first forward used.
  at::Tensor use(RangeTracker& range) const;
  void observe(RangeTracker& range, const at::Tensor& observed) const;
  /// Whether operand() may be left to the kernel that quantises it.
  bool encodes_in_kernel(const RangeTracker& range) const;
  /// For a kernel that uses the range and observes it afterwards.
  RangeUpdate update_in_kernel(RangeTracker& range) const {
    return range.update_in_kernel(smooth_);
  }
  /// Observed when the pass is over.
  void observe_later(RangeTracker& range, const at::Tensor& observed);
  void finish();

 private:
  bool observes_;
  bool recomputes_;
  bool delayed_;
  float smooth_;
  const std::optional<RealPair>& quantiles_;
  std::vector<std::pair<RangeTracker*, at::Tensor>> pending_;
};

}  // namespace engine::optical_transformer
