// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/optical_transformer/optical_matmul_function.h"

#include "engine/paradigms/optical_transformer/tensor_kernels.h"

#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>

namespace engine::optical_transformer {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class StraightThroughLinear : public torch::autograd::Function<StraightThroughLinear> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const std::optional<at::Tensor>& bias, const LinearResult& result) {
    if (result.clip) {
      context->save_for_backward({x, weight, result.inside, result.x_range, result.w_range});
    } else {
      context->save_for_backward({x, weight});
    }
    context->saved_data["clip"] = result.clip;
    context->saved_data["has_bias"] = bias.has_value();
    return result.y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const at::Tensor& weight = saved[1];
    const bool clip = context->saved_data["clip"].toBool();

    const c10::ScalarType type = gradient_type(x);
    const at::Tensor g = gradients[0].to(type).reshape({-1, weight.size(0)});
    const at::Tensor g_kept =
        clip ? at::where(saved[2].reshape(g.sizes()), g, at::zeros_like(g)) : g;
    const at::Tensor x_rows = x.to(type).reshape({-1, x.size(-1)});

    at::Tensor dx, dw, db;
    if (context->needs_input_grad(0)) {
      dx = gradient_product(g_kept, weight.to(type), x.scalar_type());
      if (clip) dx = clipped(dx, x_rows, saved[3]);
      dx = dx.reshape(x.sizes());
    }
    if (context->needs_input_grad(1)) {
      dw = gradient_product(g_kept.t(), x_rows, weight.scalar_type());
      if (clip) dw = clipped(dw, weight, saved[4]);
    }
    if (context->saved_data["has_bias"].toBool() && context->needs_input_grad(2)) {
      db = g.sum({0}, /*keepdim=*/false, at::kFloat);
    }
    return {dx, dw, db, at::Tensor()};
  }
};

}  // namespace

at::Tensor with_linear_gradient(const at::Tensor& x, const at::Tensor& weight,
                                const at::Tensor& bias, const LinearResult& result) {
  const auto given = bias.defined() ? std::optional(bias) : std::nullopt;
  return StraightThroughLinear::apply(x, weight, given, result);
}

}  // namespace engine::optical_transformer
