// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/transform/layer_inventory.h"

#include <QString>
#include <QStringList>

#include <cstdint>
#include <unordered_map>

namespace widgets {

/// What the layers of a checkpoint weigh: parameters, and FLOPs of a forward pass at one length of
/// sequence. Computed once for a checkpoint.
class LayerCosts {
 public:
  struct Cost {
    double parameters = 0;
    double flops = 0;
  };

  LayerCosts() = default;
  LayerCosts(const engine::LayerInventory& inventory, std::int64_t sequence);

  const Cost& of(const std::string& layer) const;
  Cost sum(const QStringList& layers) const;
  /// Of the whole model.
  const Cost& total() const { return total_; }
  std::int64_t sequence() const { return sequence_; }

 private:
  std::unordered_map<std::string, Cost> costs_;
  Cost total_;
  std::int64_t sequence_ = 0;
};

}  // namespace widgets
