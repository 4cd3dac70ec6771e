// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/model_flops.h"

#include "engine/transform/layer_inventory.h"

namespace engine {

double train_flops_per_token(const LlamaConfig& config, std::int64_t sequence) {
  double forward = 0;
  const LayerInventory inventory = layer_inventory(config);
  for (const LayerInfo& layer : inventory.layers()) {
    if (layer.kind != LayerKind::linear && layer.kind != LayerKind::attention) continue;
    forward += forward_flops_per_token(layer, sequence);
  }
  return 3 * forward;
}

double upstream_flops_per_token(const LlamaConfig& config, std::int64_t sequence) {
  const std::int64_t attention =
      12 * config.num_hidden_layers * config.num_attention_heads * config.head_dim * sequence;
  return static_cast<double>(6 * config.non_embedding_parameters() + attention);
}

std::optional<double> peak_bf16_flops(const std::string& device_name) {
  const std::string maker = "NVIDIA ";
  if (!device_name.starts_with(maker)) return std::nullopt;
  const std::string model = device_name.substr(maker.size());
  if (model.starts_with("A100")) return 312e12;
  if (model.starts_with("H100 PCIe")) return 756e12;
  if (model.starts_with("H100 NVL")) return 835e12;
  if (model.starts_with("H100 80GB HBM3") || model == "H200") return 989e12;
  return std::nullopt;
}

}  // namespace engine
