// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/scripted/scripted_layer.h"

#include "engine/device/shape_text.h"
#include "engine/error.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/ones.h>
#include <torch/csrc/autograd/autograd.h>

#include <fmt/format.h>

#include <algorithm>

namespace engine::scripted {
namespace {

/// Positions that a check of gradients uses: enough to see every kind of row, and cheap.
constexpr std::int64_t kCheckedPositions = 4;

bool is_finite(const at::Tensor& tensor) { return at::isfinite(tensor).all().item<bool>(); }

at::Tensor fresh_leaf(const at::Tensor& tensor) {
  return tensor.detach().to(at::kFloat).clone().set_requires_grad(true);
}

/// [B, H_kv, S, D] -> [B, H, S, D], each head `group` times in a row.
at::Tensor repeat_heads(const at::Tensor& x, std::int64_t group) {
  if (group == 1) return x;
  return x.unsqueeze(2)
      .expand({x.size(0), x.size(1), group, x.size(2), x.size(3)})
      .reshape({x.size(0), x.size(1) * group, x.size(2), x.size(3)});
}

}  // namespace

ScriptedCall::ScriptedCall(ScriptModule module, const ScriptedMethod& method,
                           const ParamValues& values, std::uint64_t run_seed,
                           const std::string& layer)
    : module_(std::move(module)),
      method_(method),
      owner_{run_seed, layer, static_cast<std::uint64_t>(values.get_int(kScriptedSeed))},
      is_bypassed_(values.get_bool(kScriptedBypass)) {
  for (const PlacedValue& entry : values.entries()) {
    if (const auto* schedule = std::get_if<ParamSchedule>(&entry.value)) {
      schedules_.emplace_back(entry.name, ScheduledReal(*schedule));
    } else {
      module_.set(entry.name, entry.value);
    }
  }
}

void ScriptedCall::move_to_step(std::int64_t step) {
  for (const auto& [name, schedule] : schedules_) module_.set(name, schedule.at(step));
}

void ScriptedCall::refuse(const std::string& what, const std::string& remedy) const {
  fail("bad-paradigm", {.file = module_.file().path.string()},
       fmt::format("{} in the layer {}", what, owner_.layer), remedy);
}

std::vector<NamedState> ScriptedCall::state() const {
  std::vector<NamedState> states;
  for (const std::string& name : module_.file().state)
    states.push_back({name, module_.buffer(name)});
  return states;
}

at::Tensor ScriptedCall::noise(std::size_t index, const std::vector<std::int64_t>& shape,
                               bool is_activation, const ForwardContext& context,
                               at::Device device) const {
  return noise_tensor(owner_, method_.noises[index], index, shape, is_activation, context, device);
}

void ScriptedCall::observe(const std::vector<at::Tensor>& operands,
                           const ForwardContext& context) const {
  if (method_.observer.empty() || context.phase == Phase::evaluate || context.recompute) return;
  std::vector<at::Tensor> values;
  for (const at::Tensor& operand : operands) values.push_back(operand.detach());
  module_.observe(method_.observer, values, owner_.layer);
}

at::Tensor ScriptedCall::result(const std::vector<at::Tensor>& arguments,
                                const std::vector<std::int64_t>& shape) const {
  at::Tensor y = module_.call(method_.name, arguments, owner_.layer);
  if (!y.defined() || y.sizes() != shape) {
    refuse(fmt::format("{} returned a tensor of shape {}, not {},", method_.name,
                       y.defined() ? shape_text(y.sizes()) : "undefined", shape_text(shape)));
  }
  if (y.scalar_type() != at::kFloat || y.device() != arguments[0].device()) {
    refuse(
        fmt::format("{} returned {} on {}, not Float on {},", method_.name,
                    c10::toString(y.scalar_type()), y.device().str(), arguments[0].device().str()),
        "It is given float32 and returns float32; the engine rounds to bf16 itself");
  }
  return y;
}

void ScriptedCall::check_state() const {
  if (!wants_first_check_) return;
  for (const NamedState& state : this->state()) {
    if (is_finite(state.tensor)) continue;
    refuse(fmt::format("the state {} was never observed, and is needed", state.name),
           "Train the layer, or evaluate with --calibrate_batches above 0");
  }
}

void ScriptedCall::check_first_result(const std::vector<at::Tensor>& operands,
                                      const at::Tensor& y) {
  if (!wants_first_check_) return;
  wants_first_check_ = false;
  const at::NoGradGuard no_gradient;
  if (is_finite(y)) return;
  if (std::all_of(operands.begin(), operands.end(), is_finite))
    refuse(fmt::format("{} returned NaN or infinity for finite values", method_.name));
}

void ScriptedCall::check_gradients(const std::vector<std::pair<std::string, at::Tensor>>& operands,
                                   const at::Tensor& y) {
  wants_gradient_check_ = false;
  std::vector<at::Tensor> inputs;
  for (const auto& [name, tensor] : operands) inputs.push_back(tensor);
  if (!y.requires_grad()) {
    refuse(fmt::format("{} gives no gradient", method_.name),
           "Pass gradients straight through a rounding: y = x + (q - x).detach()");
  }
  std::vector<at::Tensor> gradients;
  try {
    gradients = torch::autograd::grad({y.sum()}, inputs, {}, /*retain_graph=*/std::nullopt,
                                      /*create_graph=*/false, /*allow_unused=*/true);
  } catch (const std::exception& error) {
    refuse(fmt::format("the gradient of {} cannot be computed ({})", method_.name,
                       script_message(error.what())));
  }
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const std::string& name = operands[i].first;
    if (!gradients[i].defined())
      refuse(fmt::format("{} gives no gradient for {}", method_.name, name),
             "Pass gradients straight through a rounding: y = x + (q - x).detach()");
    if (!is_finite(gradients[i]))
      refuse(fmt::format("{} gives a gradient with NaN or infinity for {}", method_.name, name),
             "Look for sqrt, log or a division at 0");
  }
}

ScriptedLinear::ScriptedLinear(std::unique_ptr<LinearLayer> original, ScriptedCall call)
    : LinearLayer(original->name(), original->weight(), original->bias()),
      original_(std::move(original)),
      call_(std::move(call)) {}

at::Tensor ScriptedLinear::forward(const at::Tensor& x, const ForwardContext& context) {
  if (call_.is_bypassed() || x.numel() == 0) return original_->forward(x, context);
  if (x.size(-1) != weight().size(1)) {
    fail("shape-mismatch", {},
         fmt::format("{}: the input has {} features, the weight takes {}", name(), x.size(-1),
                     weight().size(1)));
  }
  const at::Tensor values = x.to(at::kFloat);
  const at::Tensor master = weight().to(at::kFloat);
  call_.move_to_step(context.step);
  call_.observe({values, master}, context);
  if (context.phase == Phase::calibrate) return original_->forward(x, context);
  call_.check_state();
  if (call_.wants_gradient_check() && context.phase == Phase::train && at::GradMode::is_enabled())
    check_gradients(values, context);
  const at::Tensor y = computed(values, master, context);
  call_.check_first_result({values, master}, y);
  return y.to(context.compute_dtype);
}

at::Tensor ScriptedLinear::computed(const at::Tensor& x, const at::Tensor& weight,
                                    const ForwardContext& context) const {
  std::vector<std::int64_t> shape = x.sizes().vec();
  shape.back() = weight.size(0);
  std::vector<at::Tensor> arguments{x, weight,
                                    bias().defined() ? bias().to(at::kFloat) : at::Tensor()};
  for (std::size_t i = 0; i < call_.method().noises.size(); ++i) {
    const NoiseShape like = call_.method().noises[i].shape;
    const bool is_activation = like != NoiseShape::weight;
    const std::vector<std::int64_t> noise_shape =
        like == NoiseShape::output ? shape
                                   : (is_activation ? x.sizes().vec() : weight.sizes().vec());
    arguments.push_back(call_.noise(i, noise_shape, is_activation, context, x.device()));
  }
  return call_.result(arguments, shape);
}

void ScriptedLinear::check_gradients(const at::Tensor& x, const ForwardContext& context) {
  const at::Tensor rows = x.reshape({-1, x.size(-1)});
  const at::Tensor few = fresh_leaf(rows.narrow(0, 0, std::min(rows.size(0), kCheckedPositions)));
  const at::Tensor whole = fresh_leaf(weight());
  call_.check_gradients({{"x", few}, {"weight", whole}}, computed(few, whole, context));
}

ScriptedAttention::ScriptedAttention(std::unique_ptr<AttentionCore> original, ScriptedCall call)
    : AttentionCore(original->name(), original->shape()),
      original_(std::move(original)),
      call_(std::move(call)) {}

at::Tensor ScriptedAttention::forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                      const ForwardContext& context) {
  if (call_.is_bypassed() || q.numel() == 0 || k.numel() == 0)
    return original_->forward(q, k, v, context);
  const std::int64_t group = shape().heads / shape().kv_heads;
  const std::vector<at::Tensor> qkv{q.to(at::kFloat), repeat_heads(k.to(at::kFloat), group),
                                    repeat_heads(v.to(at::kFloat), group)};
  call_.move_to_step(context.step);
  call_.observe(qkv, context);
  if (context.phase == Phase::calibrate) return original_->forward(q, k, v, context);
  call_.check_state();
  if (call_.wants_gradient_check() && context.phase == Phase::train && at::GradMode::is_enabled())
    check_gradients(qkv, context);
  const at::Tensor y = computed(qkv, context);
  call_.check_first_result(qkv, y);
  return y.transpose(1, 2)
      .reshape({q.size(0), q.size(2), shape().heads * shape().head_dim})
      .to(context.compute_dtype);
}

at::Tensor ScriptedAttention::computed(const std::vector<at::Tensor>& qkv,
                                       const ForwardContext& context) const {
  const at::Tensor& q = qkv[0];
  const std::int64_t queries = q.size(2);
  const std::int64_t keys = qkv[1].size(2);
  const std::vector<std::int64_t> output{q.size(0), q.size(1), queries, qkv[2].size(3)};
  std::vector<at::Tensor> arguments = qkv;
  if (call_.method().takes_mask) {
    const at::Tensor all = at::ones({queries, keys}, q.options().dtype(at::kBool));
    arguments.push_back(shape().causal ? all.tril(keys - queries) : all);
  }
  for (std::size_t i = 0; i < call_.method().noises.size(); ++i) {
    std::vector<std::int64_t> shape = output;
    switch (call_.method().noises[i].shape) {
      case NoiseShape::scores:
        shape = {q.size(0), q.size(1), queries, keys};
        break;
      case NoiseShape::q:
        shape = q.sizes().vec();
        break;
      case NoiseShape::k:
        shape = qkv[1].sizes().vec();
        break;
      case NoiseShape::v:
        shape = qkv[2].sizes().vec();
        break;
      default:
        break;
    }
    arguments.push_back(call_.noise(i, shape, true, context, q.device()));
  }
  return call_.result(arguments, output);
}

void ScriptedAttention::check_gradients(const std::vector<at::Tensor>& qkv,
                                        const ForwardContext& context) {
  std::vector<at::Tensor> few;
  for (const at::Tensor& each : qkv) {
    const std::int64_t positions = std::min(each.size(2), kCheckedPositions);
    few.push_back(fresh_leaf(each.narrow(0, 0, 1).narrow(2, 0, positions)));
  }
  call_.check_gradients({{"q", few[0]}, {"k", few[1]}, {"v", few[2]}}, computed(few, context));
}

}  // namespace engine::scripted
