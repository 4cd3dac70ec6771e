// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers as words of a storage format, converted in integer arithmetic: host and device give the
// same bits, NaN included. A word of 16 bits stands in the low half.
#pragma once

#include "kernels/device.h"
#include "kernels/philox.h"

#include <cstdint>

namespace kernels {

/// Consecutive bits of a word.
struct BitField {
  std::uint32_t first_bit = 0;
  std::uint32_t bits = 0;

  PARADIGM_HOST_DEVICE constexpr std::uint32_t mask() const {
    return ((std::uint32_t{1} << bits) - 1) << first_bit;
  }
};

struct WordFormat {
  BitField exponent;  ///< with the sign
  BitField fraction;
  std::uint32_t magnitude = 0;  ///< all bits but the sign: ordered as the numbers are
  std::uint32_t infinity = 0;   ///< NaNs lie above
};

PARADIGM_HOST_DEVICE constexpr WordFormat word_format(ElementType type) {
  switch (type) {
    case ElementType::bf16:
      return {{7, 9}, {0, 7}, 0x7FFF, 0x7F80};
    case ElementType::fp16:
      return {{10, 6}, {0, 10}, 0x7FFF, 0x7C00};
    case ElementType::fp32:
      break;
  }
  return {{23, 9}, {0, 23}, 0x7FFFFFFF, 0x7F800000};
}

PARADIGM_HOST_DEVICE constexpr std::uint32_t fp32_from_bf16(std::uint32_t word) {
  return word << 16;
}

/// Round to nearest even; a NaN becomes the quiet NaN of its sign.
PARADIGM_HOST_DEVICE constexpr std::uint32_t bf16_from_fp32(std::uint32_t word) {
  const std::uint32_t rounded = (word + 0x7FFF + ((word >> 16) & 1)) >> 16;
  const std::uint32_t quiet_nan = ((word >> 16) & 0x8000) | 0x7FC0;
  return (word & 0x7FFFFFFF) > 0x7F800000 ? quiet_nan : rounded;
}

PARADIGM_HOST_DEVICE constexpr std::uint32_t fp32_from_fp16(std::uint32_t word) {
  const std::uint32_t sign = (word & 0x8000) << 16;
  const std::uint32_t exponent = (word >> 10) & 0x1F;
  std::uint32_t fraction = word & 0x3FF;
  if (exponent == 0x1F) return sign | 0x7F800000 | (fraction << 13);
  if (exponent != 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction == 0) return sign;
  std::uint32_t scale = 113;  // subnormal: shift up to the hidden bit
  while ((fraction & 0x400) == 0) {
    fraction <<= 1;
    --scale;
  }
  return sign | (scale << 23) | ((fraction & 0x3FF) << 13);
}

/// Round to nearest even, overflow to infinity, subnormals kept; a NaN becomes the quiet NaN of its
/// sign.
PARADIGM_HOST_DEVICE constexpr std::uint32_t fp16_from_fp32(std::uint32_t word) {
  const std::uint32_t sign = (word >> 16) & 0x8000;
  const std::uint32_t magnitude = word & 0x7FFFFFFF;
  if (magnitude > 0x7F800000) return sign | 0x7E00;
  if (magnitude >= 0x477FF000) return sign | 0x7C00;  // 65520 is half way to 65536
  if (magnitude >= 0x38800000) {                      // 2^-14: a normal number
    const std::uint32_t rebiased = magnitude - (112u << 23);
    return sign | ((rebiased + 0xFFF + ((rebiased >> 13) & 1)) >> 13);
  }
  if (magnitude < 0x33000000) return sign;  // below 2^-25, half of the smallest subnormal
  const std::uint32_t significand = (magnitude & 0x7FFFFF) | 0x800000;
  const std::uint32_t shift = 126 - (magnitude >> 23);  // 14 to 24
  const std::uint32_t kept = significand >> shift;
  const std::uint32_t dropped = significand & ((std::uint32_t{1} << shift) - 1);
  const std::uint32_t half = std::uint32_t{1} << (shift - 1);
  const bool up = dropped > half || (dropped == half && (kept & 1) != 0);
  return sign | (kept + (up ? 1 : 0));
}

/// The word of `from` as the nearest word of `to`.
PARADIGM_HOST_DEVICE constexpr std::uint32_t converted_word(std::uint32_t word, ElementType from,
                                                            ElementType to) {
  if (from == to) return word;
  const std::uint32_t wide = from == ElementType::fp32   ? word
                             : from == ElementType::bf16 ? fp32_from_bf16(word)
                                                         : fp32_from_fp16(word);
  return to == ElementType::fp32   ? wide
         : to == ElementType::bf16 ? bf16_from_fp32(wide)
                                   : fp16_from_fp32(wide);
}

}  // namespace kernels
