// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/optical_transformer/optical_attention_function.h"

#include "engine/paradigms/optical_transformer/fused_attention.h"
#include "engine/paradigms/optical_transformer/tensor_kernels.h"

#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include <utility>

namespace engine::optical_transformer {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Makes the operands of the products one by one.
class OperandQuantisers {
 public:
  OperandQuantisers(const AttentionResult& how, const at::Tensor& q)
      : how_(how), type_(operand_type(q, how.call.levels)) {}

  at::Tensor query(const at::Tensor& q) const {
    return operand(q, how_.query_range, 0, how_.key_range);
  }
  at::Tensor key(const at::Tensor& k) const {
    return operand(k, how_.key_range, how_.lut_min, how_.query_range);
  }
  at::Tensor value(const at::Tensor& v) const {
    return operand(v, how_.value_range, how_.lut_min, how_.probability_range);
  }

 private:
  at::Tensor operand(const at::Tensor& values, const at::Tensor& range, float lut_min,
                     const at::Tensor& partner) const {
    return quantised(values, {.levels = how_.call.levels,
                              .range = range,
                              .lut_min = lut_min,
                              .type = type_,
                              .partner = partner});
  }

  const AttentionResult& how_;
  c10::ScalarType type_;
};

struct SavedResult : torch::CustomClassHolder {
  explicit SavedResult(AttentionResult saved) : result(std::move(saved)) {}
  AttentionResult result;
};

class StraightThroughAttention : public torch::autograd::Function<StraightThroughAttention> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& q, const at::Tensor& k,
                            const at::Tensor& v, const AttentionResult& result) {
    context->save_for_backward({q, k, v});
    AttentionResult how = result;
    how.y = at::Tensor();
    context->saved_data["result"] =
        c10::IValue::make_capsule(c10::make_intrusive<SavedResult>(std::move(how)));
    return result.y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const auto capsule = context->saved_data["result"].toCapsule();
    const AttentionResult& how = static_cast<const SavedResult&>(*capsule).result;
    const AttentionCall& call = how.call;

    const AttentionOperands exact{
        dense_values(saved[0]), dense_values(saved[1]), dense_values(saved[2]), {}, {}};
    at::Tensor g = gradients[0]
                       .detach()
                       .to(gradient_type(saved[0]))
                       .reshape({call.batch, call.queries, call.heads, call.head_dim})
                       .transpose(1, 2);
    if (call.clip) g = at::where(how.inside, g, at::zeros_like(g));

    AttentionGradient result = gradient(how, exact, g);
    if (call.clip) {
      result.dq = clipped(result.dq, exact.q, how.query_range);
      result.dk = clipped(result.dk, exact.k, how.key_range);
      result.dv = clipped(result.dv, exact.v, how.value_range);
    }
    return {result.dq.to(saved[0].scalar_type()), result.dk.to(saved[1].scalar_type()),
            result.dv.to(saved[2].scalar_type()), at::Tensor()};
  }

 private:
  static AttentionGradient gradient(const AttentionResult& how, const AttentionOperands& exact,
                                    const at::Tensor& g) {
    const bool is_fused = how.rows.exponent.defined();
    AttentionOperands quantised;
    if (!is_fused) {
      quantised = quantised_operands(how, exact.q, exact.k, exact.v);
    } else if (needs_quantised(how.call)) {
      const OperandQuantisers quantisers(how, exact.q);
      quantised.q = quantisers.query(exact.q);
      quantised.k = quantisers.key(exact.k);
    }
    return is_fused ? fused_gradient(how.call, quantised, exact, how.rows, g)
                    : attention_gradient(how.call, quantised, exact, g);
  }
};

}  // namespace

AttentionOperands quantised_operands(const AttentionResult& how, const at::Tensor& q,
                                     const at::Tensor& k, const at::Tensor& v) {
  const OperandQuantisers quantisers(how, q);
  return {quantisers.query(q), quantisers.key(k), quantisers.value(v), how.probability_range,
          how.value_range};
}

at::Tensor with_attention_gradient(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                   const AttentionResult& result) {
  return StraightThroughAttention::apply(q, k, v, result);
}

}  // namespace engine::optical_transformer
