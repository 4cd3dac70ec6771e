// SPDX-License-Identifier: GPL-3.0-or-later
// Weights of groups on CUDA as their layers see them, kernels/bit_flip/flip_group.h.
#pragma once

#include "engine/paradigms/random_bitflip/flipped_operand.h"

#include <ATen/core/Tensor.h>

#include <span>
#include <vector>

namespace engine::random_bitflip {

struct FlippingWeight {
  at::Tensor weight;  ///< [out, in], fp32
  OperandFlips flips;
};

/// Whether kernels can flip in 16-bit words of the dtype, and flips are rare enough.
bool can_note(const OperandFlips& flips, c10::ScalarType dtype);

/// The weights of a group side by side.
struct SeenWeights {
  at::Tensor values;               ///< [in, sum of outputs]
  std::vector<at::Tensor> zeroed;  ///< zero bits of each; undefined without a threshold
};

/// Of each group, all in one go.
std::vector<SeenWeights> seen_weights(std::span<const std::vector<FlippingWeight>> groups,
                                      c10::ScalarType dtype);

}  // namespace engine::random_bitflip
