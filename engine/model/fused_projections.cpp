// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/fused_projections.h"

#include "engine/device/cuda_rows.h"

#include <algorithm>

#ifdef PARADIGM_WITH_CUDA

#include "engine/device/current_stream.h"
#include "engine/device/element_type.h"
#include "engine/device/weight_gradient.h"
#include "engine/model/stacked.h"
#include "kernels/qkv_heads/qkv_heads.h"
#include "kernels/swiglu/swiglu.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

namespace engine {

namespace {

/// Whether kernels take x and the gradients of a layer with these parameters.
bool has_kernels(const LinearLayer& layer, const at::Tensor& x) {
  return runs_on_cuda_rows(x) && x.scalar_type() != at::kFloat &&
         layer.weight().scalar_type() == at::kFloat;
}

}  // namespace

std::optional<JointProduct> joint_product(std::initializer_list<LinearLayer*> layers,
                                          const LayerInput& input, const ForwardContext& context) {
  const at::Tensor& x = input.x;
  LinearLayer& first = **layers.begin();
  const bool possible = std::all_of(layers.begin(), layers.end(), [&](const LinearLayer* layer) {
    return has_kernels(*layer, x) && layer->bias().defined() == first.bias().defined();
  });
  if (!possible) return std::nullopt;
  const auto plainly = [](const LinearLayer* layer) { return layer->computes_plainly(); };
  const auto kept_weights = [&] {
    const WorkingWeights* const kept =
        first.working_weights({layers.begin(), layers.size()}, x.scalar_type());
    return kept != nullptr ? kept->values() : at::Tensor();
  };
  if (std::all_of(layers.begin(), layers.end(), plainly)) return JointProduct{{}, kept_weights()};
  if (first.bias().defined() || std::any_of(layers.begin(), layers.end(), plainly)) {
    return std::nullopt;
  }
  JointOutput output = first.joint_product({layers.begin(), layers.size()}, input, context);
  if (!output.is_made()) return std::nullopt;
  if (output.gradient) return JointProduct{std::move(output), {}};
  return JointProduct{std::move(output), kept_weights()};
}

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

at::Tensor rows_of(const at::Tensor& x) { return x.reshape({-1, x.size(-1)}); }

std::vector<std::int64_t> with_last(const at::Tensor& x, std::int64_t width) {
  std::vector<std::int64_t> shape = x.sizes().vec();
  shape.back() = width;
  return shape;
}

using Bias = std::optional<at::Tensor>;

/// A bias as a function is called with it, and as it is used: undefined when there is none.
Bias bias_of(const LinearLayer& layer) {
  return layer.bias().defined() ? Bias(layer.bias()) : std::nullopt;
}
at::Tensor used(const Bias& bias) { return bias.value_or(at::Tensor()); }

/// The layers' parameters one below the other, in the dtype of the computation. Their number is
/// half of `parameters`: all weights, then all biases, which may be undefined.
class Stack {
 public:
  Stack() = default;
  /// `weight`: the stack of weights if there is one already.
  Stack(const variable_list& parameters, c10::ScalarType dtype, at::Tensor weight)
      : weight_(std::move(weight)) {
    const std::span all(parameters);
    if (!weight_.defined()) weight_ = stacked_copy(all.first(all.size() / 2), dtype);
    if (parameters.back().defined()) bias_ = stacked_copy(all.last(all.size() / 2), dtype);
  }
  const at::Tensor& weight() const { return weight_; }

  at::Tensor product(const at::Tensor& rows) const {
    return bias_.defined() ? at::addmm(bias_, rows, weight_.t()) : at::mm(rows, weight_.t());
  }

 private:
  at::Tensor weight_;
  at::Tensor bias_;
};

/// The product of a function, and all of its gradient that is not the function's own.
class Product {
 public:
  Product(const JointProduct& joint, const at::Tensor& x, const variable_list& parameters)
      : parameters_(parameters), joint_(joint.simulated), x_(x) {
    if (!joint_.gradient) stack_ = Stack(parameters, x.scalar_type(), joint.weights);
  }

  /// [rows, outputs]; asked once.
  at::Tensor values() const {
    return joint_.is_made() ? joint_.take_values() : stack_.product(rows_of(x_));
  }

  /// Keeps what gradients_of() needs, and behind that `own`.
  void save(AutogradContext* context, variable_list own = {}) const {
    own.insert(own.begin(), {x_, stack_.weight()});
    context->save_for_backward(std::move(own));
    std::vector<std::int64_t> outputs;
    for (std::size_t i = 0; i < parameters_.size() / 2; ++i) {
      outputs.push_back(parameters_[i].size(0));
    }
    context->saved_data["outputs"] = outputs;
    context->saved_data["has_bias"] = parameters_.back().defined();
    if (joint_.gradient) {
      context->saved_data["gradient"] = c10::IValue::make_capsule(joint_.gradient);
    }
  }

 private:
  const variable_list& parameters_;
  const JointOutput& joint_;
  const at::Tensor& x_;
  Stack stack_;
};

/// Gradients of x and of all parameters from that of the product [rows, outputs]. `weight` is the
/// stack that was saved.
variable_list gradients_of(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                           const at::Tensor& product) {
  const auto outputs = context->saved_data["outputs"].toIntVector();
  if (const auto own = context->saved_data.find("gradient"); own != context->saved_data.end()) {
    variable_list gradients =
        c10::static_intrusive_pointer_cast<JointGradient>(own->second.toCapsule())
            ->gradients(x, product);
    gradients.resize(gradients.size() + outputs.size());  // no bias
    return gradients;
  }
  variable_list gradients;
  gradients.push_back(at::mm(product, weight).view(x.sizes()));
  const at::Tensor weights = weight_gradient(product, rows_of(x));
  const bool has_bias = context->saved_data["has_bias"].toBool();
  const at::Tensor bias_gradient =
      has_bias ? product.sum({0}, /*keepdim=*/false, at::kFloat) : at::Tensor();
  for (const at::Tensor& whole : {weights, bias_gradient}) {
    std::int64_t row = 0;
    for (const std::int64_t count : outputs) {
      gradients.push_back(whole.defined() ? whole.narrow(0, row, count) : at::Tensor());
      row += count;
    }
  }
  return gradients;
}

class LinearFunction : public Function<LinearFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const Bias& bias, const JointProduct& joint) {
    const variable_list parameters = {weight, used(bias)};
    const Product product(joint, x, parameters);
    product.save(context);
    return product.values().view(with_last(x, weight.size(0)));
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const at::NoGradGuard no_grad;
    const auto saved = context->get_saved_variables();
    variable_list all = gradients_of(context, saved[0], saved[1], rows_of(gradients[0]));
    all.resize(all.size() + 1);  // how the product came about
    return all;
  }
};

kernels::cuda::HeadStrides strides_of(const at::Tensor& heads) {
  return {heads.stride(0), heads.stride(1), heads.stride(2)};
}

class QkvFunction : public Function<QkvFunction> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& wq,
                               const at::Tensor& wk, const at::Tensor& wv, const Bias& bq,
                               const Bias& bk, const Bias& bv, const AttentionShape& heads,
                               const RotaryTables& tables, const JointProduct& joint) {
    const c10::DeviceGuard guard(x.device());
    const variable_list parameters = {wq, wk, wv, used(bq), used(bk), used(bv)};
    const Product product(joint, x, parameters);
    product.save(context);
    const at::Tensor cos = tables.cos.slice(0, 0, x.size(1)).contiguous();
    const at::Tensor sin = tables.sin.slice(0, 0, x.size(1)).contiguous();
    context->saved_data["cos"] = cos;
    context->saved_data["sin"] = sin;
    const auto made = [&](std::int64_t count) {
      return at::empty({x.size(0), x.size(1), count, heads.head_dim}, x.options());
    };
    const at::Tensor q = made(heads.heads), k = made(heads.kv_heads), v = made(heads.kv_heads);
    if (const auto& raw = joint.simulated.raw; raw && raw->split_heads(cos, sin, q, k, v)) {
      return {q, k, v};
    }
    const at::Tensor qkv = product.values();
    kernels::cuda::split_heads(qkv.const_data_ptr(), element_type_of(qkv), shape_of(q, k),
                               cos.const_data_ptr<float>(), sin.const_data_ptr<float>(),
                               q.mutable_data_ptr(), k.mutable_data_ptr(), v.mutable_data_ptr(),
                               current_stream(x));
    return {q, k, v};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const at::NoGradGuard no_grad;
    const auto saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const c10::DeviceGuard guard(x.device());
    for (at::Tensor& gradient : gradients) {
      if (gradient.stride(3) != 1) gradient = gradient.contiguous();
    }
    const auto& [q, k, v] = std::tie(gradients[0], gradients[1], gradients[2]);
    const at::Tensor cos = context->saved_data["cos"].toTensor();
    const at::Tensor sin = context->saved_data["sin"].toTensor();
    const at::Tensor product =
        at::empty({x.size(0) * x.size(1), (q.size(2) + 2 * k.size(2)) * q.size(3)}, x.options());
    kernels::cuda::join_heads(
        q.const_data_ptr(), strides_of(q), k.const_data_ptr(), strides_of(k), v.const_data_ptr(),
        strides_of(v), element_type_of(product), shape_of(q, k), cos.const_data_ptr<float>(),
        sin.const_data_ptr<float>(), product.mutable_data_ptr(), current_stream(x));
    variable_list all = gradients_of(context, x, saved[1], product);
    all.resize(all.size() + 3);  // the shape, the tables and how the product came about
    return all;
  }

 private:
  static kernels::cuda::QkvShape shape_of(const at::Tensor& q, const at::Tensor& k) {
    return {q.size(0), q.size(1), q.size(2), k.size(2), q.size(3) / 2};
  }
};

/// The layer's product, read out into x and normed on the way.
class LinearAddRmsNormFunction : public Function<LinearAddRmsNormFunction> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& input,
                               const at::Tensor& layer_weight, const at::Tensor& x,
                               const at::Tensor& weight, double epsilon, const JointProduct& joint,
                               const Extent& extent) {
    context->set_materialize_grads(false);
    const c10::DeviceGuard guard(x.device());
    const variable_list parameters = {layer_weight, at::Tensor()};
    const Product product(joint, input, parameters);
    const RawProduct::Normed made =
        joint.simulated.raw->add_rms_norm(x.contiguous(), weight.detach(), epsilon, extent);
    product.save(context, {made.sum, weight, made.scale});
    return {made.sum, made.y};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const at::NoGradGuard no_grad;
    const auto saved = context->get_saved_variables();
    NormGradients norm{gradients[0], {}};
    if (gradients[1].defined()) {
      norm = rms_norm_gradients(saved[2], saved[3], saved[4], gradients[1], gradients[0]);
    }
    const variable_list linear =
        gradients_of(context, saved[0], saved[1], rows_of(norm.x.contiguous()));
    return {linear[0], linear[1], norm.x, norm.weight, {}, {}, {}};
  }
};

class SwigluFunction : public Function<SwigluFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& wg,
                            const at::Tensor& wu, const Bias& bg, const Bias& bu,
                            const JointProduct& joint, Extent& extent) {
    const c10::DeviceGuard guard(x.device());
    const variable_list parameters = {wg, wu, used(bg), used(bu)};
    const Product product(joint, x, parameters);
    if (const auto& raw = joint.simulated.raw) {
      if (auto gated = raw->swiglu(extent)) {
        product.save(context, std::move(gated->kept));
        context->saved_data["raw"] = c10::IValue::make_capsule(raw);
        return gated->y.view(with_last(x, wg.size(0)));
      }
    }
    extent = {};
    const at::Tensor gate_up = product.values();
    product.save(context, {gate_up});
    const at::Tensor y = at::empty(with_last(x, wg.size(0)), x.options());
    kernels::cuda::swiglu_rows(gate_up.const_data_ptr(), element_type_of(y), gate_up.size(0),
                               wg.size(0), y.mutable_data_ptr(), current_stream(x));
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const at::NoGradGuard no_grad;
    const auto saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const c10::DeviceGuard guard(x.device());
    const variable_list own(saved.begin() + 2, saved.end());
    const at::Tensor product = gradient_of_product(context, own, gradients[0].contiguous());
    variable_list all = gradients_of(context, x, saved[1], product);
    all.resize(all.size() + 2);  // how the product came about, and the extent
    return all;
  }

 private:
  static at::Tensor gradient_of_product(AutogradContext* context, const variable_list& own,
                                        const at::Tensor& y_gradient) {
    if (const auto raw = context->saved_data.find("raw"); raw != context->saved_data.end()) {
      return c10::static_intrusive_pointer_cast<RawProduct>(raw->second.toCapsule())
          ->swiglu_gradient(own, y_gradient);
    }
    const at::Tensor& gate_up = own[0];
    const at::Tensor product = at::empty(gate_up.sizes(), gate_up.options());
    kernels::cuda::swiglu_rows_gradient(
        gate_up.const_data_ptr(), y_gradient.const_data_ptr(), element_type_of(product),
        gate_up.size(0), gate_up.size(1) / 2, product.mutable_data_ptr(), current_stream(product));
    return product;
  }
};

}  // namespace

at::Tensor fused_linear(const JointProduct& product, const at::Tensor& x,
                        const LinearLayer& layer) {
  return LinearFunction::apply(x, layer.weight(), bias_of(layer), product);
}

QkvHeads fused_qkv(const JointProduct& product, const at::Tensor& x, const LinearLayer& q_proj,
                   const LinearLayer& k_proj, const LinearLayer& v_proj,
                   const AttentionShape& shape, const RotaryTables& tables) {
  variable_list heads =
      QkvFunction::apply(x, q_proj.weight(), k_proj.weight(), v_proj.weight(), bias_of(q_proj),
                         bias_of(k_proj), bias_of(v_proj), shape, tables, product);
  return {std::move(heads[0]), std::move(heads[1]), std::move(heads[2])};
}

NormedSum add_rms_norm(const at::Tensor& x, const PendingLinear& pending, const at::Tensor& weight,
                       double epsilon, const Extent& wanted) {
  const variable_list results = LinearAddRmsNormFunction::apply(
      pending.x, pending.layer->weight(), x, weight, epsilon, pending.product, wanted);
  return {results[0], {results[1], wanted}};
}

LayerInput fused_swiglu(const JointProduct& product, const at::Tensor& x,
                        const LinearLayer& gate_proj, const LinearLayer& up_proj,
                        const Extent& wanted) {
  Extent extent = wanted;
  const at::Tensor y = SwigluFunction::apply(x, gate_proj.weight(), up_proj.weight(),
                                             bias_of(gate_proj), bias_of(up_proj), product, extent);
  return {y, extent};
}

}  // namespace engine

#else

namespace engine {

std::optional<JointProduct> joint_product(std::initializer_list<LinearLayer*>, const LayerInput&,
                                          const ForwardContext&) {
  return std::nullopt;
}

at::Tensor fused_linear(const JointProduct&, const at::Tensor&, const LinearLayer&) { return {}; }

QkvHeads fused_qkv(const JointProduct&, const at::Tensor&, const LinearLayer&, const LinearLayer&,
                   const LinearLayer&, const AttentionShape&, const RotaryTables&) {
  return {};
}

LayerInput fused_swiglu(const JointProduct&, const at::Tensor&, const LinearLayer&,
                        const LinearLayer&, const Extent&) {
  return at::Tensor();
}

NormedSum add_rms_norm(const at::Tensor&, const PendingLinear&, const at::Tensor&, double,
                       const Extent&) {
  return {{}, at::Tensor()};
}

}  // namespace engine

#endif

namespace engine {

Branch branch_end(LinearLayer& layer, const LayerInput& input, const ForwardContext& context) {
  auto joint = joint_product({&layer}, input, context);
  if (!joint) return {layer.forward(input.x, context), nullptr};
  const auto& raw = joint->simulated.raw;
  if (raw && raw->adds_to_norm() && !layer.bias().defined() &&
      context.checkpointing == ActivationCheckpointing::none) {
    return {{}, std::make_shared<PendingLinear>(PendingLinear{*std::move(joint), input.x, &layer})};
  }
  return {fused_linear(*joint, input.x, layer), nullptr};
}

}  // namespace engine
