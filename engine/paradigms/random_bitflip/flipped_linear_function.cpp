// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/random_bitflip/flipped_linear_function.h"

#include <ATen/core/grad_mode.h>
#include <ATen/core/ivalue.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>
#include <utility>

namespace engine::random_bitflip {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// What backward needs to draw the flips of forward again.
struct SavedFlips : torch::CustomClassHolder {
  explicit SavedFlips(const LinearFlips& flips)
      : x(flips.x), w(flips.w), dtype(flips.compute_dtype) {}
  OperandFlips x;
  OperandFlips w;
  FlipMemory x_memory;
  FlipMemory w_memory;
  c10::ScalarType dtype;
};

class FlippedLinear : public torch::autograd::Function<FlippedLinear> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const std::optional<at::Tensor>& bias, const LinearFlips& flips) {
    context->save_for_backward({x, weight});
    const auto kept = c10::make_intrusive<SavedFlips>(flips);
    context->saved_data["flips"] = c10::IValue::make_capsule(kept);
    if (bias) context->saved_data["bias_type"] = static_cast<std::int64_t>(bias->scalar_type());

    const FlippedOperand w_seen(weight, flips.w, flips.compute_dtype, flips.w_counts);
    const FlippedOperand x_seen(x, flips.x, flips.compute_dtype, flips.x_counts);
    // A copy of the activations would cost as much memory as they do; it is made again.
    kept->x_memory = x_seen.memory();
    kept->x_memory.values.reset();
    kept->w_memory = w_seen.memory();
    std::optional<at::Tensor> cast_bias;
    if (bias) cast_bias = bias->to(flips.compute_dtype);
    return at::linear(x_seen.values(), w_seen.values(), cast_bias);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const at::NoGradGuard no_gradient;
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const at::Tensor& weight = saved[1];
    const auto flips =
        c10::static_intrusive_pointer_cast<SavedFlips>(context->saved_data["flips"].toCapsule());
    const at::Tensor g = gradients[0].reshape({-1, weight.size(0)});

    const bool wants_dx = context->needs_input_grad(0);
    const bool wants_dw = context->needs_input_grad(1);
    at::Tensor dx, dw, db;
    std::optional<FlippedOperand> x_seen, w_seen;
    if (wants_dw || (wants_dx && flips->x.stops_gradient())) {
      x_seen.emplace(x, flips->x, flips->dtype, at::Tensor(), flips->x_memory);
    }
    if (wants_dx || (wants_dw && flips->w.stops_gradient())) {
      w_seen.emplace(weight, flips->w, flips->dtype, at::Tensor(), flips->w_memory);
    }
    if (wants_dx) {
      dx = at::mm(g, w_seen->values());
      if (x_seen) x_seen->stop(dx);
      dx = dx.view(x.sizes()).to(x.scalar_type());
    }
    if (wants_dw) {
      const at::Tensor rows = x_seen->values().view({-1, x.size(-1)});
      // In 16 bits the product can be left in fp32 at no cost, which spares a rounding and a pass.
      dw = g.is_cuda() && g.scalar_type() != at::kFloat ? at::mm(g.t(), rows, weight.scalar_type())
                                                        : at::mm(g.t(), rows);
      if (w_seen) w_seen->stop(dw);
      dw = dw.to(weight.scalar_type());
    }
    if (const auto type = context->saved_data.find("bias_type");
        type != context->saved_data.end() && context->needs_input_grad(2)) {
      db = g.to(at::kFloat).sum(0).to(static_cast<c10::ScalarType>(type->second.toInt()));
    }
    return {dx, dw, db, at::Tensor()};
  }
};

}  // namespace

at::Tensor flipped_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                          const LinearFlips& flips) {
  const auto given = bias.defined() ? std::optional(bias) : std::nullopt;
  return FlippedLinear::apply(x, weight, given, flips);
}

}  // namespace engine::random_bitflip
