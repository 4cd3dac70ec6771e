// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/layer_inventory.h"

#include "engine/model/llama_config.h"

#include <fmt/format.h>

#include <algorithm>

namespace engine {
namespace {

LayerInfo linear(std::string name, std::int64_t out, std::int64_t in, bool bias, int block) {
  return {.name = std::move(name),
          .kind = LayerKind::linear,
          .shape = {out, in},
          .parameters = out * in + (bias ? out : 0),
          .block = block,
          .has_bias = bias};
}

LayerInfo norm(std::string name, std::int64_t width, int block) {
  return {.name = std::move(name),
          .kind = LayerKind::norm,
          .shape = {width},
          .parameters = width,
          .block = block};
}

void add_block(const LlamaConfig& config, int block, std::vector<LayerInfo>& layers) {
  const std::string prefix = fmt::format("model.layers.{}.", block);
  const std::int64_t width = config.hidden_size;
  const std::int64_t queries = config.num_attention_heads * config.head_dim;
  const std::int64_t keys = config.num_key_value_heads * config.head_dim;
  const bool bias = config.attention_bias;

  layers.push_back(norm(prefix + "input_layernorm", width, block));
  layers.push_back(
      {.name = prefix + "self_attn",
       .kind = LayerKind::attention,
       .shape = {config.num_attention_heads, config.num_key_value_heads, config.head_dim},
       .block = block});
  layers.push_back(linear(prefix + "self_attn.q_proj", queries, width, bias, block));
  layers.push_back(linear(prefix + "self_attn.k_proj", keys, width, bias, block));
  layers.push_back(linear(prefix + "self_attn.v_proj", keys, width, bias, block));
  layers.push_back(linear(prefix + "self_attn.o_proj", width, queries, bias, block));
  layers.push_back(norm(prefix + "post_attention_layernorm", width, block));
  layers.push_back(
      linear(prefix + "mlp.gate_proj", config.intermediate_size, width, config.mlp_bias, block));
  layers.push_back(
      linear(prefix + "mlp.up_proj", config.intermediate_size, width, config.mlp_bias, block));
  layers.push_back(
      linear(prefix + "mlp.down_proj", width, config.intermediate_size, config.mlp_bias, block));
}

}  // namespace

const char* to_string(LayerKind kind) {
  switch (kind) {
    case LayerKind::linear:
      return "linear";
    case LayerKind::attention:
      return "attention";
    case LayerKind::norm:
      return "norm";
    case LayerKind::embedding:
      return "embedding";
  }
  return "linear";
}

const LayerInfo* LayerInventory::find(const std::string& name) const {
  const auto found = std::find_if(layers_.begin(), layers_.end(),
                                  [&](const LayerInfo& layer) { return layer.name == name; });
  return found == layers_.end() ? nullptr : &*found;
}

LayerInventory layer_inventory(const LlamaConfig& config) {
  std::vector<LayerInfo> layers;
  layers.reserve(static_cast<std::size_t>(10 * config.num_hidden_layers + 3));
  layers.push_back({.name = "model.embed_tokens",
                    .kind = LayerKind::embedding,
                    .shape = {config.vocab_size, config.hidden_size},
                    .parameters = config.vocab_size * config.hidden_size});
  for (std::int64_t i = 0; i < config.num_hidden_layers; ++i)
    add_block(config, static_cast<int>(i), layers);
  layers.push_back(norm("model.norm", config.hidden_size, -1));
  layers.push_back(linear("lm_head", config.vocab_size, config.hidden_size, false, -1));
  if (config.tie_word_embeddings) layers.back().parameters = 0;
  return LayerInventory(std::move(layers));
}

double forward_flops_per_token(const LayerInfo& layer, std::int64_t sequence) {
  switch (layer.kind) {
    case LayerKind::linear:
      return 2.0 * static_cast<double>(layer.shape[0]) * static_cast<double>(layer.shape[1]) +
             (layer.has_bias ? static_cast<double>(layer.shape[0]) : 0.0);
    case LayerKind::attention:
      // Two matmuls of 2·S·H·D for each query, of which the causal mask leaves half.
      return 2.0 * static_cast<double>(sequence) * static_cast<double>(layer.shape[0]) *
             static_cast<double>(layer.shape[2]);
    case LayerKind::norm:
      return 4.0 * static_cast<double>(layer.shape[0]);
    case LayerKind::embedding:
      return 0;
  }
  return 0;
}

}  // namespace engine
