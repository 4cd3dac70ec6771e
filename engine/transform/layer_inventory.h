// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace engine {

struct LlamaConfig;

enum class LayerKind { linear, attention, norm, embedding };

const char* to_string(LayerKind kind);  ///< "linear", "attention", "norm", "embedding"

struct LayerInfo {
  std::string name;  ///< Hugging Face's: model.layers.0.self_attn.q_proj
  LayerKind kind = LayerKind::linear;
  /// linear [out, in]; attention [heads, kv heads, head_dim]; norm [width]; embedding [rows, width]
  std::vector<std::int64_t> shape;
  /// Own parameters: none for an attention's two matmuls, nor for a head that shares the
  /// embedding's. They sum up to LlamaConfig::total_parameters().
  std::int64_t parameters = 0;
  int block = -1;  ///< index of the decoder block, -1 outside
  bool has_bias = false;
};

/// Names, kinds and shapes of every layer, from the configuration alone: no weight is read.
class LayerInventory {
 public:
  LayerInventory() = default;
  explicit LayerInventory(std::vector<LayerInfo> layers) : layers_(std::move(layers)) {}

  /// In forward order: embedding; per block input norm, attention, q, k, v, o, post-attention norm,
  /// gate, up, down; final norm; lm_head.
  const std::vector<LayerInfo>& layers() const { return layers_; }
  const LayerInfo* find(const std::string& name) const;

 private:
  std::vector<LayerInfo> layers_;
};

LayerInventory layer_inventory(const LlamaConfig& config);

/// FLOPs of one forward pass per token at sequence length `sequence` (causal attention counted at
/// half), as used for the shares in the layer tree.
double forward_flops_per_token(const LayerInfo& layer, std::int64_t sequence);

}  // namespace engine
