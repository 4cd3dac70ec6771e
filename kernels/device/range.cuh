// SPDX-License-Identifier: GPL-3.0-or-later
// Minimum and maximum over a grid, independent of order and therefore deterministic: floats as
// integers whose order is that of the floats, folded with atomicMin and atomicMax.
#pragma once

#include <cstdint>

namespace kernels::device {

/// Order-preserving code of a float; NaN is handled apart.
__device__ inline int ordered(float x) {
  const int bits = __float_as_int(x + 0.0f);  // -0 becomes +0
  return bits >= 0 ? bits : bits ^ 0x7FFFFFFF;
}
__device__ inline float from_ordered(int code) {
  return __int_as_float(code >= 0 ? code : code ^ 0x7FFFFFFF);
}

/// A range in the making: {least, greatest, any NaN}. Starts as {INT_MAX, INT_MIN, 0}.
struct RangeAccumulator {
  int least = 0x7FFFFFFF;
  int greatest = static_cast<int>(0x80000000);
  int any_nan = 0;

  __device__ void add(float x) {
    if (x != x) {
      any_nan = 1;
      return;
    }
    const int code = ordered(x);
    least = min(least, code);
    greatest = max(greatest, code);
  }

  /// Folds the block's accumulators into `out` (three integers). Every thread of the block calls
  /// it. A warp whose range is already covered leaves the others their turn: bounds only widen, so
  /// an old value read here errs on the safe side.
  __device__ void fold_into(int* out) const {
    const int warp_least = __reduce_min_sync(0xFFFFFFFFu, least);
    const int warp_greatest = __reduce_max_sync(0xFFFFFFFFu, greatest);
    const int warp_nan = __any_sync(0xFFFFFFFFu, any_nan);
    if (threadIdx.x % 32 == 0) {
      const volatile int* seen = out;
      if (warp_least < seen[0]) atomicMin(out, warp_least);
      if (warp_greatest > seen[1]) atomicMax(out + 1, warp_greatest);
      if (warp_nan) atomicOr(out + 2, 1);
    }
  }
};

}  // namespace kernels::device
