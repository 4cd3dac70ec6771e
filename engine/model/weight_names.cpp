// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/weight_names.h"

#include "engine/model/llama_config.h"
#include "engine/transform/layer_inventory.h"

namespace engine {

std::vector<ExpectedTensor> expected_tensors(const LlamaConfig& config) {
  std::vector<ExpectedTensor> tensors;
  const LayerInventory inventory = layer_inventory(config);
  for (const LayerInfo& layer : inventory.layers()) {
    if (layer.kind == LayerKind::attention) continue;
    const bool shared = layer.name == "lm_head" && config.tie_word_embeddings;
    tensors.push_back({layer.name + ".weight", layer.shape, shared});
    if (layer.has_bias) tensors.push_back({layer.name + ".bias", {layer.shape[0]}, false});
  }
  return tensors;
}

bool is_ignored_tensor(const std::string& name) {
  return name.ends_with(".self_attn.rotary_emb.inv_freq");
}

}  // namespace engine
