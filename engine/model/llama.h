// SPDX-License-Identifier: GPL-3.0-or-later
// Llama over Hugging Face's tensor names. Every Linear and every attention stands in a LayerSlot,
// so a transform swaps it without the forward pass knowing.
#pragma once

#include "engine/model/attention_core.h"
#include "engine/model/forward_context.h"
#include "engine/model/fused_projections.h"
#include "engine/model/layer_slot.h"
#include "engine/model/linear_layer.h"
#include "engine/model/llama_config.h"
#include "engine/model/rotary.h"

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

namespace engine {

/// fp32 master weights by their names in the checkpoint ("model.norm.weight").
using TensorMap = std::map<std::string, at::Tensor>;

/// One trainable tensor. A tied head and embedding are one parameter, under the embedding's name.
struct Parameter {
  std::string name;
  at::Tensor tensor;
  bool decays = true;  ///< false for biases and norm weights: weight decay leaves them alone
};

/// q, k, v and o projections around the two matmuls, rotary embedding between.
struct LlamaAttention {
  LayerSlot<LinearLayer> q_proj;
  LayerSlot<LinearLayer> k_proj;
  LayerSlot<LinearLayer> v_proj;
  LayerSlot<LinearLayer> o_proj;
  LayerSlot<AttentionCore> core;
  at::Tensor output_gradient_norm;  ///< 0-d, of the last pass that measured; undefined before

  Branch forward(const LayerInput& input, const RotaryTables& tables,
                 const ForwardContext& context);
};

/// down(silu(gate(x)) · up(x)).
struct LlamaMlp {
  LayerSlot<LinearLayer> gate_proj;
  LayerSlot<LinearLayer> up_proj;
  LayerSlot<LinearLayer> down_proj;

  Branch forward(const LayerInput& input, const ForwardContext& context);
};

/// x + attention(norm(x)), then the same of the MLP.
struct LlamaBlock {
  at::Tensor input_layernorm;
  LlamaAttention attention;
  at::Tensor post_attention_layernorm;
  LlamaMlp mlp;
};

struct LayerMeasurement {
  std::string layer;
  NamedStatistic statistic;
};

class Llama {
 public:
  /// Takes over `weights`, which must hold every tensor of the configuration in fp32 on one device,
  /// all leaves; they are made to require gradients. With tied embeddings "lm_head.weight" is not
  /// asked for.
  Llama(LlamaConfig config, const TensorMap& weights);

  /// ids [B, S] int64 on the model's device -> [B, S, hidden_size] after the final norm, in
  /// context.compute_dtype.
  at::Tensor hidden_states(const at::Tensor& ids, const ForwardContext& context);
  /// [B, S, vocab_size]: hidden_states through the head's own forward. For training use
  /// next_token_loss, which never holds the logits whole.
  at::Tensor logits(const at::Tensor& ids, const ForwardContext& context);

  LayerSlot<LinearLayer>& lm_head() { return lm_head_; }
  /// Every attention in layer order.
  std::vector<LayerSlot<AttentionCore>*> attention_slots();
  /// Every Linear in module order: per block q, k, v, o, gate, up, down; lm_head last.
  std::vector<LayerSlot<LinearLayer>*> linear_slots();

  const std::vector<Parameter>& parameters() const { return parameters_; }
  const LlamaConfig& config() const { return config_; }
  at::Device device() const { return embedding_.device(); }

  /// The 16-bit copies of weights that layers keep from step to step.
  std::vector<WorkingWeights*> working_weights();
  /// Whether any layer is.
  bool is_transformed();
  /// Whether every layer is, see LinearLayer::is_capturable.
  bool is_capturable(std::int64_t step);
  /// State of every simulated layer, keyed "<layer>.<buffer>", in module order.
  std::vector<NamedState> simulation_state();
  /// What every layer measured in the last forward with context.measure, in module order; of every
  /// transformed one also what its gradient is like: of a Linear "grad_norm", the norm of its
  /// weight's gradient, taken from `gradient_norms` ([parameters()], of the step; undefined: left
  /// out); of an attention, which has no weight, "out_grad_norm", that of its output's gradient.
  std::vector<LayerMeasurement> statistics(const at::Tensor& gradient_norms = {});

 private:
  /// Every attention and Linear, an attention before its projections.
  template <typename Visitor>
  void visit_layers(Visitor&& visit);
  void begin_pass(const ForwardContext& context);

  LlamaConfig config_;
  std::vector<Parameter> parameters_;
  at::Tensor embedding_;  // [vocab_size, hidden_size]
  std::vector<LlamaBlock> blocks_;
  at::Tensor norm_;
  LayerSlot<LinearLayer> lm_head_;
  std::vector<float> frequencies_;
  RotaryTables tables_;
};

}  // namespace engine
