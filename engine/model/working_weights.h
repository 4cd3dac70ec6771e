// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/model/stacked.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace engine {

/// 16-bit copies of fp32 weights, one below the other, that stay from step to step: the products
/// use them, the optimizer writes them with the weights. Anybody else who changes a weight makes
/// its copy stale, and refresh() casts it anew.
class WorkingWeights {
 public:
  WorkingWeights(std::vector<at::Tensor> weights, c10::ScalarType dtype);

  /// Whether these are copies of these very weights in this dtype.
  bool are_of(const std::vector<at::Tensor>& weights, c10::ScalarType dtype) const;
  void refresh();
  /// Gives the copies' memory back until they are refreshed. For nobody but who knows that no
  /// recorded step reads them.
  void release();

  /// [sum of rows, columns].
  const at::Tensor& values() const { return copies_.all; }
  const std::vector<at::Tensor>& weights() const { return weights_; }
  /// The copy of the weight of that place.
  const at::Tensor& copy(std::size_t index) const { return copies_.parts[index]; }
  /// To be called when weight and copy have been written together.
  void written(std::size_t index);

 private:
  std::vector<at::Tensor> weights_;
  c10::ScalarType dtype_;
  Stacked copies_;                      // empty while released
  std::vector<std::int64_t> versions_;  // of the weights, as autograd counts their changes
};

}  // namespace engine
