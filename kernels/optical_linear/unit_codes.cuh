// SPDX-License-Identifier: GPL-3.0-or-later
// The powers of two that bring both operands of a half-precision product near one: no operand
// leaves fp16's range, and no sum of kMostTerms products either. No rounding but the conversions'
// happens.
#pragma once

#include "kernels/device/balance.cuh"

namespace kernels::device {

__device__ inline int unit_shift(const float* range) {
  return min(max(-range_exponent(range), -125), 125);
}

__device__ inline float power_of_two(int exponent) {
  return __int_as_float((127 + exponent) << 23);
}

/// The first operand's values times this lie within (-2, 2); the second one's within (-1, 1).
__device__ inline float input_factor(const float* range) { return power_of_two(unit_shift(range)); }
__device__ inline float weight_factor(const float* range) {
  return power_of_two(unit_shift(range) - 1);
}

/// What takes both factors off a product again, as far as fp32 holds the product.
__device__ inline float product_scale(const float* input_range, const float* weight_range) {
  const int exponent = 1 - unit_shift(input_range) - unit_shift(weight_range);
  return power_of_two(min(max(exponent, -126), 127));
}

}  // namespace kernels::device
