// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/working_weights.h"

#include <ATen/core/grad_mode.h>

#include <cstddef>
#include <utility>

namespace engine {
namespace {

std::int64_t version_of(const at::Tensor& tensor) {
  return static_cast<std::int64_t>(tensor._version());
}

}  // namespace

WorkingWeights::WorkingWeights(std::vector<at::Tensor> weights, c10::ScalarType dtype)
    : weights_(std::move(weights)), dtype_(dtype), versions_(weights_.size(), -1) {
  refresh();
}

bool WorkingWeights::are_of(const std::vector<at::Tensor>& weights, c10::ScalarType dtype) const {
  if (weights.size() != weights_.size() || dtype_ != dtype) return false;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!weights[i].is_same(weights_[i])) return false;
  }
  return true;
}

void WorkingWeights::refresh() {
  const at::NoGradGuard no_grad;
  if (!values().defined()) copies_ = Stacked(weights_, dtype_);
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    if (versions_[i] == version_of(weights_[i])) continue;
    // Saved for a gradient, the values are still those of the pass: weights change between steps.
    copies_.parts[i].copy_(weights_[i]);
    versions_[i] = version_of(weights_[i]);
  }
}

void WorkingWeights::release() {
  copies_ = {};
  versions_.assign(versions_.size(), -1);
}

void WorkingWeights::written(std::size_t index) { versions_[index] = version_of(weights_[index]); }

}  // namespace engine
