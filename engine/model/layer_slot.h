// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <utility>

namespace engine {

/// A named, replaceable child. The model resolves every Linear and attention through its slot on
/// each forward, so a swap takes effect at once; it is the only place where a live layer is
/// replaced.
template <typename Layer>
class LayerSlot {
 public:
  LayerSlot() = default;
  explicit LayerSlot(std::unique_ptr<Layer> layer) : layer_(std::move(layer)) {}

  Layer& operator*() const { return *layer_; }
  Layer* operator->() const { return layer_.get(); }

  /// Hands the present layer to `make`, which returns its replacement.
  template <typename Make>
  void replace(Make&& make) {
    layer_ = std::forward<Make>(make)(std::move(layer_));
  }

 private:
  std::unique_ptr<Layer> layer_;
};

}  // namespace engine
