// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/bit_flip/bit_flip.h"
#include "kernels/noise_key.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tests {

using namespace kernels;
using enum kernels::ElementType;

inline BitFlip flips_of(ElementType storage, int h_exponent, int h_fraction, std::uint64_t first) {
  BitFlip how;
  how.storage = storage;
  how.exponent = {noise_key(42, layer_id("lm_head"), 0, 16), h_exponent};
  how.fraction = {noise_key(42, layer_id("lm_head"), 0, 17), h_fraction};
  how.time = {7, 3};
  how.first_element = first;
  return how;
}

/// Numbers of every kind, the special ones among them.
inline std::vector<std::uint16_t> some_words(std::int64_t count, ElementType type) {
  const std::uint32_t special[] = {0,          0x80000000, 0x7F800000, 0xFF800000, 0x7FC00001,
                                   0x7F800001, 1,          0x477FF000, 0x33000001, 0x41F80000};
  std::vector<std::uint16_t> words;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint32_t wide = i % 11 == 3
                                   ? special[static_cast<std::size_t>(i / 11) % 10]
                                   : 0x3C000000u + static_cast<std::uint32_t>(mix(i) % 0x06000000u);
    if (type == fp32) {
      words.push_back(static_cast<std::uint16_t>(wide));
      words.push_back(static_cast<std::uint16_t>(wide >> 16));
    } else {
      words.push_back(static_cast<std::uint16_t>(converted_word(wide, fp32, type)));
    }
  }
  return words;
}

}  // namespace tests
