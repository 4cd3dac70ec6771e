// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/paradigms/random_bitflip/flipped_operand.h"

#include <ATen/core/Tensor.h>

namespace engine::random_bitflip {

/// One forward pass of a Linear.
struct LinearFlips {
  OperandFlips x;
  OperandFlips w;
  c10::ScalarType compute_dtype = c10::ScalarType::Float;
  at::Tensor x_counts;  ///< empty_counts(), or undefined: not counted
  at::Tensor w_counts;
};

/// y = x̃·w̃ᵀ + b in the compute dtype (README, eq. 2), with the gradient of eq. 3. Keeps x and
/// weight alone for backward, which draws the same flips again.
at::Tensor flipped_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                          const LinearFlips& flips);

}  // namespace engine::random_bitflip
