// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/working_weights.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <cstddef>
#include <utility>

namespace engine {
namespace {

std::int64_t version_of(const at::Tensor& tensor) {
  return static_cast<std::int64_t>(tensor._version());
}

}  // namespace

WorkingWeights::WorkingWeights(std::vector<at::Tensor> weights, c10::ScalarType dtype)
    : weights_(std::move(weights)), versions_(weights_.size(), -1) {
  const at::NoGradGuard no_grad;
  std::int64_t rows = 0;
  for (const at::Tensor& weight : weights_) rows += weight.size(0);
  values_ = at::empty({rows, weights_[0].size(1)},
                      weights_[0].options().dtype(dtype).requires_grad(false));
  std::int64_t row = 0;
  for (const at::Tensor& weight : weights_) {
    copies_.push_back(values_.narrow(0, row, weight.size(0)));
    row += weight.size(0);
  }
  refresh();
}

bool WorkingWeights::are_of(const std::vector<at::Tensor>& weights, c10::ScalarType dtype) const {
  if (weights.size() != weights_.size() || values_.scalar_type() != dtype) return false;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!weights[i].is_same(weights_[i])) return false;
  }
  return true;
}

void WorkingWeights::refresh() {
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    if (versions_[i] == version_of(weights_[i])) continue;
    // Saved for a gradient, the values are still those of the pass: weights change between steps.
    copies_[i].copy_(weights_[i]);
    versions_[i] = version_of(weights_[i]);
  }
}

void WorkingWeights::written(std::size_t index) { versions_[index] = version_of(weights_[index]); }

}  // namespace engine
