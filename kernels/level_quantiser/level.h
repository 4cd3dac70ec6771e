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
  float lo, hi, width, divisor, top, limit;

  /// `unlimited`: k is not clamped to [0, n], as a frozen read-out's.
  PARADIGM_HOST_DEVICE LevelGrid(const float* range, std::int32_t levels, bool unlimited = false)
      : lo(range[0]),
        hi(range[1]),
        width(range[1] - range[0]),
        divisor(range[1] - range[0] + 1e-8f),
        top(static_cast<float>(levels - 1)),
        limit(unlimited ? INFINITY : static_cast<float>(levels - 1)) {}

  /// The de-quantised value of x; `noise` is xi, or 0.
  PARADIGM_HOST_DEVICE float level(float x, float noise) const {
    float v = x < lo ? lo : x;
    v = v > hi ? hi : v;
    v = (v - lo) / divisor * top;
    float k = rintf(v + noise);
    k = k < 0.0f ? 0.0f : k;
    k = k > limit ? limit : k;
    return (k / top) * width + lo;
  }
};

/// x clamped from one side, NaN going through: one instruction each on the device.
PARADIGM_HOST_DEVICE inline float at_least(float x, float bound) {
#ifdef __CUDA_ARCH__
  float result;
  asm("max.NaN.f32 %0, %1, %2;" : "=f"(result) : "f"(x), "f"(bound));
  return result;
#else
  return x < bound ? bound : x;
#endif
}
PARADIGM_HOST_DEVICE inline float at_most(float x, float bound) {
#ifdef __CUDA_ARCH__
  float result;
  asm("min.NaN.f32 %0, %1, %2;" : "=f"(result) : "f"(x), "f"(bound));
  return result;
#else
  return x > bound ? bound : x;
#endif
}

/// LevelGrid without a division per element, bit for bit the same: a quotient from the reciprocal
/// and two corrections is the correctly rounded one (Markstein, "Computation of elementary
/// functions on the IBM RISC System/6000", 1990), and a sum with 1.5 * 2^23 rounds to an integer,
/// ties to even. No sum with the noise is below -0.5, so none rounds to less than 0.
struct FastLevelGrid {
  float lo, hi, width, divisor, reciprocal, top, top_reciprocal;

  PARADIGM_HOST_DEVICE FastLevelGrid(const float* range, std::int32_t levels) {
    const LevelGrid grid(range, levels);
    lo = grid.lo;
    hi = grid.hi;
    width = grid.width;
    divisor = grid.divisor;
    reciprocal = 1.0f / divisor;
    top = grid.top;
    top_reciprocal = 1.0f / top;
  }

  PARADIGM_HOST_DEVICE static float quotient(float a, float b, float reciprocal_of_b) {
    return corrected(corrected(a * reciprocal_of_b, a, b, reciprocal_of_b), a, b, reciprocal_of_b);
  }
  PARADIGM_HOST_DEVICE static float corrected(float q, float a, float b, float reciprocal_of_b) {
    return fmaf(fmaf(-q, b, a), reciprocal_of_b, q);
  }

  /// The code 0 ... L - 1 of x.
  PARADIGM_HOST_DEVICE float code(float x, float noise) const {
    constexpr float rounder = 12582912.0f;
    const float v = quotient(at_most(at_least(x, lo), hi) - lo, divisor, reciprocal) * top;
    return at_most(((v + noise) + rounder) - rounder, top);
  }

  /// One correction is enough for every code of up to 65,536 levels.
  PARADIGM_HOST_DEVICE float value(float k) const {
    return corrected(k * top_reciprocal, k, top, top_reciprocal) * width + lo;
  }

  PARADIGM_HOST_DEVICE float level(float x, float noise) const { return value(code(x, noise)); }
};

/// u of a frozen read-out, the same for every element: from word 0 of the stream's block at counter
/// 0.
PARADIGM_HOST_DEVICE inline float frozen_uniform(std::uint64_t key) {
  return uniform_from_word(philox(key, 0, 0, 0, 0).word[0]);
}

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
