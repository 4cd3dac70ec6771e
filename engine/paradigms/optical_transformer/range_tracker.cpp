// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/optical_transformer/range_tracker.h"

#include "engine/error.h"
#include "kernels/range_statistics/range_statistics.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <limits>
#include <utility>

namespace engine::optical_transformer {
namespace {

kernels::Range values_of(const at::Tensor& range) {
  const float* bounds = range.const_data_ptr<float>();
  return {bounds[0], bounds[1]};
}

}  // namespace

RangeTracker::RangeTracker(std::string state_name, c10::ScalarType storage)
    : name_(std::move(state_name)),
      storage_(storage),
      tensor_(at::empty({2}, at::TensorOptions().dtype(at::kFloat))),
      refused_(at::zeros({1}, at::TensorOptions().dtype(at::kInt))) {
  tensor_.data_ptr<float>()[0] = std::numeric_limits<float>::infinity();
  tensor_.data_ptr<float>()[1] = -std::numeric_limits<float>::infinity();
}

bool RangeTracker::is_set() const { return is_finite(values_of(tensor_)); }

void RangeTracker::observe(const at::Tensor& observed, float smooth) {
  if (!is_finite(values_of(observed))) {
    ++*refused_.data_ptr<int>();
  } else if (storage_ == at::kFloat) {
    kernels::update_range(tensor_.data_ptr<float>(), values_of(observed), smooth);
  } else {
    const at::Tensor seen = observed.to(storage_);
    tensor_.copy_(is_set() ? tensor_.to(storage_) * smooth + seen * (1 - smooth) : seen);
  }
}

at::Tensor RangeTracker::use() { return last_used_ = tensor_.clone(); }

void RangeTracker::require_set(const std::string& layer) const {
  if (is_set()) return;
  fail("range-unset", {},
       layer + ": the optical range " + name_ +
           " was never observed, and this pass may not change it",
       "Calibrate it on other text first (--calibrate_batches 8), or train with mode: track");
}

}  // namespace engine::optical_transformer
