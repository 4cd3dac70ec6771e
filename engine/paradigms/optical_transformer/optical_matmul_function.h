// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <ATen/core/Tensor.h>

namespace engine::optical_transformer {

/// A computed output of an optical Linear, and what the straight-through rule needs of how it came
/// about.
struct LinearResult {
  at::Tensor y;
  bool clip = false;   ///< gradients stop where a value lay outside its range
  at::Tensor x_range;  ///< fp32 {lo, hi}
  at::Tensor w_range;
  at::Tensor
      inside;  ///< bool, shape of y: the accumulator lay within the read-out's range; when clip
};

/// result.y with the straight-through gradient of x·Wᵀ + b, taken with the unquantised operands in
/// their gradient_type():
///   g' = g        dx = g'·W        dW = g'ᵀ·x        db = sum g
/// and with clip: g' = g where `inside`, dx and dW zero where x, W lay outside their ranges.
at::Tensor with_linear_gradient(const at::Tensor& x, const at::Tensor& weight,
                                const at::Tensor& bias, const LinearResult& result);

}  // namespace engine::optical_transformer
