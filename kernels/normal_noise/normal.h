// SPDX-License-Identifier: GPL-3.0-or-later
// A standard normal from two words of Philox, for host and device. Additions, multiplications and
// one square root, all correctly rounded and never contracted: every device gets the same bits.
#pragma once

#include "kernels/isa_dispatch.h"
#include "kernels/philox.h"

#include <bit>
#include <cmath>
#include <cstdint>

namespace kernels {

namespace normal_parts {

// ln v for v in [2^-24, 1]; relative error below 2e-7 (Cephes' polynomial on [sqrt 1/2, sqrt 2]).
PARADIGM_HOST_DEVICE PARADIGM_ALWAYS_INLINE float logarithm(float v) {
  const std::int32_t bits = std::bit_cast<std::int32_t>(v);
  const std::int32_t exponent = (bits - 0x3f3504f3) >> 23;
  const float f = std::bit_cast<float>(bits - exponent * (1 << 23)) - 1.0f;
  const float e = static_cast<float>(exponent);
  const float z = f * f;
  float y = 7.0376836292e-2f;
  y = y * f - 1.1514610310e-1f;
  y = y * f + 1.1676998740e-1f;
  y = y * f - 1.2420140846e-1f;
  y = y * f + 1.4249322787e-1f;
  y = y * f - 1.6668057665e-1f;
  y = y * f + 2.0000714765e-1f;
  y = y * f - 2.4999993993e-1f;
  y = y * f + 3.3333331174e-1f;
  y = y * f * z + e * -2.12194440e-4f - 0.5f * z;
  return (f + y) + e * 0.693359375f;
}

// cos 2πu for u in [0, 1): the nearest quarter turn is taken off exactly, the rest is within an
// eighth of a turn (Cephes' polynomials on [-π/4, π/4]).
PARADIGM_HOST_DEVICE PARADIGM_ALWAYS_INLINE float cosine_of_turns(float u) {
  constexpr float rounding = 12582912.0f;  // 1.5 · 2^23: adding it rounds to a whole number
  const float shifted = 4.0f * u + rounding;
  const std::uint32_t quarter = std::bit_cast<std::uint32_t>(shifted) & 3u;
  const float a = (u - (shifted - rounding) * 0.25f) * 6.28318530718f;
  const float z = a * a;
  float cosine = 2.443315711809948e-5f;
  cosine = cosine * z - 1.388731625493765e-3f;
  cosine = cosine * z + 4.166664568298827e-2f;
  cosine = (cosine * z * z - 0.5f * z) + 1.0f;
  float sine = -1.9515295891e-4f;
  sine = sine * z + 8.3321608736e-3f;
  sine = sine * z - 1.6666654611e-1f;
  sine = sine * z * a + a;
  const float value = (quarter & 1u) != 0 ? sine : cosine;
  return quarter == 1 || quarter == 2 ? -value : value;
}

}  // namespace normal_parts

/// sqrt(-2 ln(1 - u1)) · cos(2π u2) of two uniform numbers in [0, 1): at most 5.77 in size.
PARADIGM_HOST_DEVICE PARADIGM_ALWAYS_INLINE float normal_from_uniform(float u1, float u2) {
  return std::sqrt(-2.0f * normal_parts::logarithm(1.0f - u1)) * normal_parts::cosine_of_turns(u2);
}

}  // namespace kernels
