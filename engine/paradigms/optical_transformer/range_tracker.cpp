// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/optical_transformer/range_tracker.h"

#include "engine/error.h"

#include <ATen/ops/empty.h>

#include <limits>
#include <utility>

namespace engine::optical_transformer {

RangeTracker::RangeTracker(std::string state_name, float smooth_factor)
    : name_(std::move(state_name)),
      smooth_factor_(smooth_factor),
      tensor_(at::empty({2}, at::TensorOptions().dtype(at::kFloat))) {
  tensor_.data_ptr<float>()[0] = std::numeric_limits<float>::infinity();
  tensor_.data_ptr<float>()[1] = -std::numeric_limits<float>::infinity();
}

bool RangeTracker::is_set() const { return is_finite(range()); }

kernels::Range RangeTracker::range() const {
  const float* state = tensor_.const_data_ptr<float>();
  return {state[0], state[1]};
}

void RangeTracker::observe(const kernels::Range& observed) {
  if (!kernels::update_range(tensor_.data_ptr<float>(), observed, smooth_factor_)) ++refused_;
}

void RangeTracker::require_set(const std::string& layer) const {
  if (is_set()) return;
  fail("range-unset", {},
       layer + ": the optical range " + name_ +
           " was never observed, and this pass may not change it",
       "Calibrate it on other text first (--calibrate_batches 8), or train with mode: track");
}

}  // namespace engine::optical_transformer
