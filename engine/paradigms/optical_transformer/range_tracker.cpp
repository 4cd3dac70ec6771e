// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/optical_transformer/range_tracker.h"

#include "engine/error.h"
#include "engine/paradigms/optical_transformer/tensor_kernels.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <optional>
#include <utility>

namespace engine::optical_transformer {
namespace {

kernels::Range values_of(const at::Tensor& range) {
  const float* bounds = range.const_data_ptr<float>();
  return {bounds[0], bounds[1]};
}

}  // namespace

at::Tensor refusal_count(c10::Device device) {
  return at::zeros({}, at::TensorOptions().dtype(at::kInt).device(device));
}

RangeTracker::RangeTracker(std::string state_name, const at::Tensor& refused,
                           c10::ScalarType storage)
    : name_(std::move(state_name)),
      storage_(storage),
      tensor_(range_tensor({}).to(refused.device())),
      refused_(refused),
      known_version_(tensor_._version()) {
  if (tensor_.is_cuda() && storage_ == at::kFloat) scratch_ = range_scratch(tensor_);
}

bool RangeTracker::is_set() const {
  if (tensor_.is_cpu()) return is_finite(values_of(tensor_));
  const std::int64_t version = tensor_._version();
  if (version != known_version_) {
    was_observed_ = is_finite(values_of(tensor_.cpu()));
    known_version_ = version;
  }
  return was_observed_;
}

void RangeTracker::observe(const at::Tensor& observed, float smooth) {
  if (storage_ == at::kFloat) {
    update_range(tensor_, observed, smooth, refused_);
  } else {
    observe_rounded(observed, smooth);
  }
  was_changed();
}

void RangeTracker::was_changed() {
  was_observed_ = true;
  known_version_ = tensor_._version();
}

at::Tensor RangeTracker::observe_values(const at::Tensor& dense, float smooth) {
  if (updates_in_kernel()) {
    observe_into(update_in_kernel(smooth), dense);
    return last_used_;
  }
  observe(observed_range(dense, std::nullopt), smooth);
  return use();
}

RangeUpdate RangeTracker::update_in_kernel(float smooth) {
  was_changed();
  last_used_ = at::empty_like(tensor_);
  return {tensor_, scratch_, refused_, last_used_, smooth};
}

/// The average in a type of fewer bits, as a choice between tensors: nothing is read.
void RangeTracker::observe_rounded(const at::Tensor& observed, float smooth) {
  const at::Tensor accepted = at::isfinite(observed).all();
  const at::Tensor seen = observed.to(storage_);
  const at::Tensor next = is_set() ? tensor_.to(storage_) * smooth + seen * (1 - smooth) : seen;
  tensor_.copy_(at::where(accepted, next.to(at::kFloat), tensor_));
  refused_.add_(accepted.logical_not().to(at::kInt));
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
