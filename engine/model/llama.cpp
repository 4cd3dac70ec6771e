// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/llama.h"

#include "engine/error.h"
#include "engine/model/fused_projections.h"
#include "engine/model/llama_swiglu.h"
#include "engine/model/norm.h"
#include "engine/model/recomputed.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_vector_norm.h>

#include <array>
#include <cmath>
#include <iterator>
#include <memory>
#include <utility>

namespace engine {
namespace {

/// Hands out the named tensors and keeps the list of parameters.
class WeightSource {
 public:
  WeightSource(const TensorMap& weights, std::vector<Parameter>& parameters)
      : weights_(weights), parameters_(parameters) {}

  at::Tensor take(const std::string& name, bool decays) {
    const auto found = weights_.find(name);
    if (found == weights_.end()) {
      fail("missing-tensor", {}, "the weights hold no tensor " + name, "Use a complete checkpoint");
    }
    at::Tensor tensor = found->second;
    tensor.set_requires_grad(true);
    parameters_.push_back({name, tensor, decays});
    return tensor;
  }

  LayerSlot<LinearLayer> linear(const std::string& layer, bool has_bias) {
    const at::Tensor weight = take(layer + ".weight", true);
    const at::Tensor bias = has_bias ? take(layer + ".bias", false) : at::Tensor();
    return LayerSlot<LinearLayer>(std::make_unique<PlainLinear>(layer, weight, bias));
  }

 private:
  const TensorMap& weights_;
  std::vector<Parameter>& parameters_;
};

/// 0-d; holds the norm of y's gradient once a backward pass has come by.
at::Tensor norm_of_gradient(const at::Tensor& y) {
  at::Tensor norm = at::full({}, std::nan(""), y.options().dtype(at::kFloat).requires_grad(false));
  y.register_hook([norm](const at::Tensor& gradient) {
    const at::NoGradGuard no_grad;
    norm.copy_(at::linalg_vector_norm(gradient, 2, {}, false, at::kFloat));
  });
  return norm;
}

}  // namespace

Branch LlamaAttention::forward(const LayerInput& input, const RotaryTables& tables,
                               const ForwardContext& context) {
  const at::Tensor& x = input.x;
  const AttentionShape& shape = core->shape();
  const auto heads = [&](const at::Tensor& projected, std::int64_t count) {
    return projected.view({x.size(0), x.size(1), count, shape.head_dim});
  };
  const auto joint = joint_product({&*q_proj, &*k_proj, &*v_proj}, input, context);
  const auto [q, k, v] =
      joint ? fused_qkv(*joint, x, *q_proj, *k_proj, *v_proj, shape, tables)
            : QkvHeads{apply_rotary(heads(q_proj->forward(x, context), shape.heads), tables),
                       apply_rotary(heads(k_proj->forward(x, context), shape.kv_heads), tables),
                       heads(v_proj->forward(x, context), shape.kv_heads)};
  const at::Tensor mixed =
      core->forward(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), context);
  if (context.measure_gradient && core->is_transformed() && mixed.requires_grad()) {
    output_gradient_norm = norm_of_gradient(mixed);
  }
  return branch_end(*o_proj, mixed, context);
}

Branch LlamaMlp::forward(const LayerInput& input, const ForwardContext& context) {
  const at::Tensor& x = input.x;
  const auto joint = joint_product({&*gate_proj, &*up_proj}, input, context);
  LayerInput gated =
      joint ? fused_swiglu(*joint, x, *gate_proj, *up_proj, down_proj->extent_of_input(context))
            : swiglu(gate_proj->forward(x, context), up_proj->forward(x, context));
  gated.is_own = true;
  return branch_end(*down_proj, gated, context);
}

namespace {

/// In module order.
std::array<LayerSlot<LinearLayer>*, 7> linears_of(LlamaBlock& block) {
  LlamaAttention& attention = block.attention;
  LlamaMlp& mlp = block.mlp;
  return {&attention.q_proj, &attention.k_proj, &attention.v_proj, &attention.o_proj,
          &mlp.gate_proj,    &mlp.up_proj,      &mlp.down_proj};
}

Residual with(at::Tensor x, Branch added) {
  return {std::move(x), std::move(added.values), std::move(added.pending)};
}

/// The residual stream with its latest part added, and its norm.
NormedSum added_and_normed(const Residual& in, const at::Tensor& weight, double epsilon,
                           const Extent& wanted = {}) {
  if (in.pending) return add_rms_norm(in.x, *in.pending, weight, epsilon, wanted);
  if (!in.delta.defined()) return {in.x, rms_norm(in.x, weight, epsilon)};
  return add_rms_norm(in.x, in.delta, weight, epsilon, wanted);
}

}  // namespace

Llama::Llama(LlamaConfig config, const TensorMap& weights)
    : config_(std::move(config)), frequencies_(rotary_frequencies(config_)) {
  WeightSource source(weights, parameters_);
  embedding_ = source.take("model.embed_tokens.weight", true);
  const AttentionShape shape{.heads = config_.num_attention_heads,
                             .kv_heads = config_.num_key_value_heads,
                             .head_dim = config_.head_dim,
                             .dropout = config_.attention_dropout};
  for (std::int64_t index = 0; index < config_.num_hidden_layers; ++index) {
    const std::string block = "model.layers." + std::to_string(index);
    const std::string attention = block + ".self_attn";
    const std::string mlp = block + ".mlp";
    LlamaBlock& layer = blocks_.emplace_back();
    layer.input_layernorm = source.take(block + ".input_layernorm.weight", false);
    layer.attention.q_proj = source.linear(attention + ".q_proj", config_.attention_bias);
    layer.attention.k_proj = source.linear(attention + ".k_proj", config_.attention_bias);
    layer.attention.v_proj = source.linear(attention + ".v_proj", config_.attention_bias);
    layer.attention.o_proj = source.linear(attention + ".o_proj", config_.attention_bias);
    layer.attention.core =
        LayerSlot<AttentionCore>(std::make_unique<PlainAttention>(attention, shape));
    layer.post_attention_layernorm = source.take(block + ".post_attention_layernorm.weight", false);
    layer.mlp.gate_proj = source.linear(mlp + ".gate_proj", config_.mlp_bias);
    layer.mlp.up_proj = source.linear(mlp + ".up_proj", config_.mlp_bias);
    layer.mlp.down_proj = source.linear(mlp + ".down_proj", config_.mlp_bias);
  }
  norm_ = source.take("model.norm.weight", false);
  lm_head_ = config_.tie_word_embeddings ? LayerSlot<LinearLayer>(std::make_unique<PlainLinear>(
                                               "lm_head", embedding_, at::Tensor()))
                                         : source.linear("lm_head", false);
}

at::Tensor Llama::hidden_states(const at::Tensor& ids, const ForwardContext& context) {
  const std::int64_t positions = ids.size(1);
  if (!tables_.cos.defined() || tables_.cos.size(0) < positions) {
    tables_ = rotary_tables(frequencies_, positions, device());
  }
  begin_pass(context);
  const double epsilon = config_.rms_norm_eps;
  Residual stream{at::embedding(embedding_, ids).to(context.compute_dtype), {}};
  for (LlamaBlock& block : blocks_) {
    const ResidualWork attention = [&block, epsilon, tables = tables_](const Residual& in,
                                                                       const ForwardContext& pass) {
      auto [sum, normed] = added_and_normed(in, block.input_layernorm, epsilon,
                                            block.attention.q_proj->extent_of_input(pass));
      normed.is_own = true;
      return with(std::move(sum), block.attention.forward(normed, tables, pass));
    };
    const ResidualWork mlp = [&block, epsilon](const Residual& in, const ForwardContext& pass) {
      auto [sum, normed] = added_and_normed(in, block.post_attention_layernorm, epsilon,
                                            block.mlp.gate_proj->extent_of_input(pass));
      normed.is_own = true;
      return with(std::move(sum), block.mlp.forward(normed, pass));
    };
    switch (context.checkpointing) {
      case ActivationCheckpointing::none:
        stream = mlp(attention(stream, context), context);
        break;
      case ActivationCheckpointing::selective:
        stream = recomputed(attention(stream, context), context, mlp);
        break;
      case ActivationCheckpointing::layer:
        stream = recomputed(stream, context,
                            [attention, mlp](const Residual& in, const ForwardContext& pass) {
                              return mlp(attention(in, pass), pass);
                            });
        break;
    }
  }
  return added_and_normed(stream, norm_, epsilon).normed.x;
}

void Llama::begin_pass(const ForwardContext& context) {
  std::vector<LinearLayer*> layers;
  for (const LayerSlot<LinearLayer>* slot : linear_slots()) layers.push_back(&**slot);
  for (LinearLayer* layer : layers) layer->begin_pass(layers, context);
}

at::Tensor Llama::logits(const at::Tensor& ids, const ForwardContext& context) {
  return lm_head_->forward(hidden_states(ids, context), context);
}

std::vector<LayerSlot<AttentionCore>*> Llama::attention_slots() {
  std::vector<LayerSlot<AttentionCore>*> slots;
  for (LlamaBlock& block : blocks_) slots.push_back(&block.attention.core);
  return slots;
}

std::vector<LayerSlot<LinearLayer>*> Llama::linear_slots() {
  std::vector<LayerSlot<LinearLayer>*> slots;
  for (LlamaBlock& block : blocks_) {
    const auto linears = linears_of(block);
    slots.insert(slots.end(), linears.begin(), linears.end());
  }
  slots.push_back(&lm_head_);
  return slots;
}

template <typename Visitor>
void Llama::visit_layers(Visitor&& visit) {
  for (LlamaBlock& block : blocks_) {
    visit(*block.attention.core);
    for (auto* slot : linears_of(block)) visit(**slot);
  }
  visit(*lm_head_);
}

bool Llama::is_transformed() {
  bool any = false;
  visit_layers([&](const auto& layer) { any = any || layer.is_transformed(); });
  return any;
}

std::vector<WorkingWeights*> Llama::working_weights() {
  std::vector<WorkingWeights*> all;
  for (const LayerSlot<LinearLayer>* slot : linear_slots()) {
    if (WorkingWeights* const kept = (*slot)->kept_working_weights()) all.push_back(kept);
  }
  return all;
}

bool Llama::is_capturable(std::int64_t step) {
  bool all = true;
  visit_layers([&](const auto& layer) { all = all && layer.is_capturable(step); });
  return all;
}

std::vector<NamedState> Llama::simulation_state() {
  std::vector<NamedState> all;
  visit_layers([&all](auto& layer) {
    for (NamedState& state : layer.simulation_state()) {
      all.push_back({layer.name() + "." + state.name, state.tensor});
    }
  });
  return all;
}

std::vector<LayerMeasurement> Llama::statistics(const at::Tensor& gradient_norms) {
  std::map<const c10::TensorImpl*, std::int64_t> places;
  for (const Parameter& parameter : parameters_) {
    places.emplace(parameter.tensor.unsafeGetTensorImpl(), std::ssize(places));
  }
  std::vector<LayerMeasurement> all;
  const auto add = [&all](auto& layer) {
    for (NamedStatistic& statistic : layer.statistics()) {
      all.push_back({layer.name(), std::move(statistic)});
    }
  };
  const auto add_linear = [&](LinearLayer& layer) {
    add(layer);
    const auto place = places.find(layer.weight().unsafeGetTensorImpl());
    if (!gradient_norms.defined() || !layer.is_transformed() || place == places.end()) return;
    all.push_back({layer.name(), {"grad_norm", gradient_norms.select(0, place->second)}});
  };
  for (LlamaBlock& block : blocks_) {
    LlamaAttention& attention = block.attention;
    add(*attention.core);
    if (gradient_norms.defined() && attention.output_gradient_norm.defined()) {
      all.push_back({attention.core->name(), {"out_grad_norm", attention.output_gradient_norm}});
    }
    for (auto* slot : linears_of(block)) add_linear(**slot);
  }
  add_linear(*lm_head_);
  return all;
}

}  // namespace engine
