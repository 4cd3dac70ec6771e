// SPDX-License-Identifier: GPL-3.0-or-later
// An exponential that vectorises, for loops under PARADIGM_DISPATCH.
#pragma once

#include "kernels/isa_dispatch.h"

#include <bit>
#include <cstdint>

namespace kernels {

// exp(x) for x <= 0, relative error below 3e-7; 0 below -87, NaN for NaN. 2^n by adding n to the
// exponent bits of the rounding constant 1.5 * 2^23, e^r by its Taylor series on |r| <= ln 2 / 2
// (next term: 5e-9).
PARADIGM_ALWAYS_INLINE float exp_of_negative(float x) {
  constexpr float rounding = 12582912.0f;
  const float held = x < -87.0f ? -87.0f : x;
  const float shifted = held * 1.44269504f + rounding;
  const float n = shifted - rounding;
  const float r = (held - n * 0.693359375f) - n * -2.12194440e-4f;
  float series = 1.0f / 5040;
  series = series * r + 1.0f / 720;
  series = series * r + 1.0f / 120;
  series = series * r + 1.0f / 24;
  series = series * r + 1.0f / 6;
  series = series * r + 0.5f;
  series = series * r + 1.0f;
  series = series * r + 1.0f;
  const float power = std::bit_cast<float>((std::bit_cast<std::uint32_t>(shifted) + 127u) << 23);
  const float result = series * power;
  return x < -87.0f ? 0.0f : result;
}

}  // namespace kernels
