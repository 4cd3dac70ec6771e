// SPDX-License-Identifier: GPL-3.0-or-later
// One element of the level quantiser. The order of operations is part of the semantics: 1e-8 and
// each rounding decide ties, so nothing here may be simplified algebraically.
#pragma once

#include "kernels/philox.h"

#include <cmath>
#include <cstdint>

namespace kernels {

/// What is the same for every element of a tensor.
struct LevelGrid {
  float lo, hi, width, divisor, top;

  PARADIGM_HOST_DEVICE LevelGrid(const float* range, std::int32_t levels)
      : lo(range[0]),
        hi(range[1]),
        width(range[1] - range[0]),
        divisor(range[1] - range[0] + 1e-8f),
        top(static_cast<float>(levels - 1)) {}

  /// The de-quantised value of x; `noise` is xi, or 0.
  PARADIGM_HOST_DEVICE float level(float x, float noise) const {
    float v = x < lo ? lo : x;
    v = v > hi ? hi : v;
    v = (v - lo) / divisor * top;
    float k = rintf(v + noise);
    k = k < 0.0f ? 0.0f : k;
    k = k > top ? top : k;
    return (k / top) * width + lo;
  }
};

/// The look-up table's floor: the smallest magnitude that the second operand can take, exact zero
/// excepted.
struct LutFloor {
  float positive, negative;

  PARADIGM_HOST_DEVICE LutFloor(const float* range, float lut_min)
      : positive(lut_min * range[1]), negative(lut_min * fabsf(range[0])) {}

  PARADIGM_HOST_DEVICE float lift(float y) const {
    const float lifted = y > 0.0f && y < positive ? positive : y;
    return lifted < 0.0f && lifted > -negative ? -negative : lifted;
  }
};

}  // namespace kernels
