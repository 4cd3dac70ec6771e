// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/model/linear_layer.h"
#include "engine/paradigms/optical_transformer/tensor_kernels.h"

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <cstdint>
#include <string>

namespace engine::optical_transformer {

/// A layer's count of observations that were not finite and so changed no range: int32, 0-d, 0.
at::Tensor refusal_count(c10::Device device);

/// The running range {lo, hi} of one place in a layer: an fp32 tensor [2] that goes into
/// checkpoints, (+inf, -inf) until something was observed. All ranges that are handed in or out are
/// such tensors on the same device. Not for concurrent use, like the layer that owns it.
class RangeTracker {
 public:
  /// `state_name` as in checkpoints: "x_min_max". `refused`: the layer's refusal_count(), on its
  /// device. `storage`: the running average is kept and computed in this type (semantics:
  /// reference), though the state tensor is fp32 always.
  RangeTracker(std::string state_name, const at::Tensor& refused,
               c10::ScalarType storage = c10::ScalarType::Float);

  /// Whether something was observed. On CUDA the tensor is not read for that, except once after it
  /// was written from outside, by a checkpoint for example; an observation counts there even if it
  /// was not finite.
  bool is_set() const;
  /// Folds an observation in, the old range weighing `smooth`. One that is not finite changes
  /// nothing and is counted.
  void observe(const at::Tensor& observed, float smooth);
  /// Folds in the extent of dense_values, then use(); on CUDA in one kernel.
  at::Tensor observe_values(const at::Tensor& dense, float smooth);
  /// A copy of the range as it is now, which last_used() repeats.
  at::Tensor use();
  /// use(), then an observation, of the kernel that is handed this.
  RangeUpdate update_in_kernel(float smooth);
  /// Whether there is such a kernel.
  bool updates_in_kernel() const { return scratch_.defined(); }
  /// Where kernels fold observations in; undefined where there is none that updates.
  const at::Tensor& scratch() const { return scratch_; }
  /// What a recomputed forward has to repeat; undefined before the first use().
  const at::Tensor& last_used() const { return last_used_; }
  /// Throws Error naming `layer` and the remedy when nothing was observed yet.
  void require_set(const std::string& layer) const;

  const at::Tensor& tensor() const { return tensor_; }
  NamedState state() const { return {name_, tensor_}; }

 private:
  void was_changed();
  void observe_rounded(const at::Tensor& observed, float smooth);

  std::string name_;
  c10::ScalarType storage_;
  at::Tensor tensor_;
  at::Tensor refused_;
  at::Tensor last_used_;
  at::Tensor scratch_;                      // on CUDA, where the average is kept in fp32
  mutable bool was_observed_ = false;       // known to the host, on CUDA
  mutable std::int64_t known_version_ = 0;  // of the tensor, when that was known
};

}  // namespace engine::optical_transformer
