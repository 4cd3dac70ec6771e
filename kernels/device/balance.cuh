// SPDX-License-Identifier: GPL-3.0-or-later
// Operands of a half-precision product are multiplied by a power of two each, one the inverse of
// the other, so that both have about the same magnitude: neither leaves fp16's range unless their
// product leaves fp32's comfortable part, and no rounding but the conversion's happens.
#pragma once

namespace kernels::device {

/// The exponent of the greatest magnitude of a range; -127 of zero, 128 of infinity and NaN.
__device__ inline int range_exponent(const float* range) {
  const int lo = (__float_as_int(range[0]) >> 23) & 0xFF;
  const int hi = (__float_as_int(range[1]) >> 23) & 0xFF;
  return max(lo, hi) - 127;
}

/// The factor of the operand with `range` in a product with one of the range `partner`.
__device__ inline float balance(const float* range, const float* partner) {
  const int shift = (range_exponent(partner) - range_exponent(range)) / 2;  // toward zero: odd
  return __int_as_float((127 + min(max(shift, -126), 126)) << 23);
}

}  // namespace kernels::device
