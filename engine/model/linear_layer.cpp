// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/linear_layer.h"

#include "engine/model/fused_projections.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/linear.h>

#include <optional>
#include <utility>
#include <vector>

namespace engine {

LinearLayer::LinearLayer(std::string name, at::Tensor weight, at::Tensor bias)
    : name_(std::move(name)), weight_(std::move(weight)), bias_(std::move(bias)) {}

LinearLayer::~LinearLayer() = default;

const WorkingWeights* LinearLayer::working_weights(std::span<LinearLayer* const> layers,
                                                   c10::ScalarType dtype) {
  std::vector<at::Tensor> weights;
  for (const LinearLayer* layer : layers) weights.push_back(layer->weight());
  if (!working_weights_ || !working_weights_->are_of(weights, dtype)) {
    if (!at::GradMode::is_enabled()) return nullptr;
    working_weights_ = std::make_unique<WorkingWeights>(std::move(weights), dtype);
  }
  working_weights_->refresh();
  return working_weights_.get();
}

at::Tensor PlainLinear::forward(const at::Tensor& x, const ForwardContext& context) {
  if (const auto joint = engine::joint_product({this}, x, context)) {
    return fused_linear(*joint, x, *this);
  }
  std::optional<at::Tensor> cast_bias;
  if (bias().defined()) cast_bias = bias().to(context.compute_dtype);
  return at::linear(x, weight().to(context.compute_dtype), cast_bias);
}

}  // namespace engine
