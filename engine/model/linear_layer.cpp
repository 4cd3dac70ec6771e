// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/linear_layer.h"

#include "engine/model/fused_projections.h"

#include <ATen/ops/linear.h>

#include <optional>
#include <utility>

namespace engine {

LinearLayer::LinearLayer(std::string name, at::Tensor weight, at::Tensor bias)
    : name_(std::move(name)), weight_(std::move(weight)), bias_(std::move(bias)) {}

LinearLayer::~LinearLayer() = default;

at::Tensor PlainLinear::forward(const at::Tensor& x, const ForwardContext& context) {
  if (const auto joint = engine::joint_product({this}, x, context)) {
    return fused_linear(*joint, x, *this);
  }
  std::optional<at::Tensor> cast_bias;
  if (bias().defined()) cast_bias = bias().to(context.compute_dtype);
  return at::linear(x, weight().to(context.compute_dtype), cast_bias);
}

}  // namespace engine
