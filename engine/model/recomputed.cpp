// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/recomputed.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include <optional>
#include <utility>

namespace engine {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct KeptWork : torch::CustomClassHolder {
  KeptWork(ResidualWork kept_work, const ForwardContext& kept_context)
      : work(std::move(kept_work)), context(kept_context) {}
  ResidualWork work;
  ForwardContext context;
};

/// A leaf with the values of `tensor`.
at::Tensor leaf_of(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.detach().set_requires_grad(true) : tensor;
}

class RecomputedFunction : public torch::autograd::Function<RecomputedFunction> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& x,
                               const std::optional<at::Tensor>& delta,
                               const c10::intrusive_ptr<KeptWork>& kept) {
    const at::Tensor added = delta.value_or(at::Tensor());
    context->save_for_backward({x, added});
    context->saved_data["kept"] = c10::IValue::make_capsule(kept);
    ForwardContext once = kept->context;
    once.is_recomputed = true;
    const Residual out = kept->work({x, added}, once);
    return {out.x, out.delta};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const auto capsule = context->saved_data["kept"].toCapsule();
    const auto& kept = static_cast<const KeptWork&>(*capsule);
    const Residual in{leaf_of(saved[0]), leaf_of(saved[1])};
    ForwardContext again = kept.context;
    again.recompute = true;
    again.measure = false;
    Residual out;
    {
      const at::AutoGradMode with_gradients(true);
      out = kept.work(in, again);
    }
    variable_list ends, of_ends;
    for (const auto& [end, gradient] :
         {std::pair(out.x, gradients[0]), std::pair(out.delta, gradients[1])}) {
      if (!end.requires_grad() || !gradient.defined()) continue;
      ends.push_back(end);
      of_ends.push_back(gradient);
    }
    torch::autograd::backward(ends, of_ends);
    return {in.x.grad(), in.delta.defined() ? in.delta.grad() : at::Tensor(), at::Tensor()};
  }
};

}  // namespace

Residual recomputed(const Residual& in, const ForwardContext& context, ResidualWork work) {
  if (!at::GradMode::is_enabled()) return work(in, context);
  const auto delta = in.delta.defined() ? std::optional(in.delta) : std::nullopt;
  variable_list out = RecomputedFunction::apply(
      in.x, delta, c10::make_intrusive<KeptWork>(std::move(work), context));
  return {std::move(out[0]), std::move(out[1])};
}

}  // namespace engine
