// SPDX-License-Identifier: GPL-3.0-or-later
// Layers that read one input on CUDA, where flips are rare and in 16 bits: a product for each, on
// the input itself as that layer sees it, kernels/bit_flip/flip_group.h.
#pragma once

#include "engine/model/linear_layer.h"
#include "engine/paradigms/random_bitflip/flipped_linear_function.h"

#include <ATen/core/Tensor.h>

#include <utility>
#include <vector>

namespace engine::random_bitflip {

/// A weight and how its layer flips.
struct FlippedLayer {
  at::Tensor weight;  ///< [out, in], fp32
  LinearFlips flips;
};

/// Whether the layers may be a group. They have to, for all of them: x is [..., in] in row-major
/// memory that nobody else uses until product() or gradients() returns.
bool makes_group(const at::Tensor& x, const std::vector<FlippedLayer>& layers);

/// One forward pass of the layers, and its gradient: that of README, eq. 3.
class FlippedGroup final : public JointGradient {
 public:
  explicit FlippedGroup(std::vector<FlippedLayer> layers) : layers_(std::move(layers)) {}

  /// [rows, sum of outputs].
  at::Tensor product(const at::Tensor& x);
  std::vector<at::Tensor> gradients(const at::Tensor& x, const at::Tensor& product) override;

 private:
  class Turns;
  class Weights;

  std::vector<FlippedLayer> layers_;
  at::Tensor copies_;       ///< flipped weights one below the other, [sum of outputs, in]
  at::Tensor zero_counts_;  ///< notes of the weights, one behind the other
  at::Tensor zero_elements_;
  at::Tensor counts_;  ///< notes of x for each layer: [layers, tiles]
  at::Tensor entries_;
};

}  // namespace engine::random_bitflip
