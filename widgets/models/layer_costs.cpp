// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/layer_costs.h"

namespace widgets {

LayerCosts::LayerCosts(const engine::LayerInventory& inventory, std::int64_t sequence)
    : sequence_(sequence) {
  for (const auto& layer : inventory.layers()) {
    const Cost cost{static_cast<double>(layer.parameters),
                    engine::forward_flops_per_token(layer, sequence)};
    total_.parameters += cost.parameters;
    total_.flops += cost.flops;
    costs_.emplace(layer.name, cost);
  }
}

const LayerCosts::Cost& LayerCosts::of(const std::string& layer) const {
  static const Cost nothing;
  const auto found = costs_.find(layer);
  return found == costs_.end() ? nothing : found->second;
}

LayerCosts::Cost LayerCosts::sum(const QStringList& layers) const {
  Cost sum;
  for (const auto& layer : layers) {
    const Cost& one = of(layer.toStdString());
    sum.parameters += one.parameters;
    sum.flops += one.flops;
  }
  return sum;
}

}  // namespace widgets
