// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/philox.h"

#include <cstdint>

namespace kernels {

/// Blocks whose counters differ in the lowest word alone: what they have in common of the first two
/// rounds is computed once.
struct PhiloxSeries {
  std::uint32_t c3;      ///< enters the first round's third word
  std::uint32_t e0;      ///< enters the second round's first word
  std::uint32_t d2, d3;  ///< enters the second round's third word; its fourth

  PARADIGM_HOST_DEVICE PhiloxSeries(const PhiloxRoundKeys& key, std::uint32_t high_of_block,
                                    NoiseTime time) {
    const std::uint64_t product = std::uint64_t{0xCD9E8D57u} * time.step;
    c3 = time.micro_step ^ key.high[0];
    const std::uint32_t c0 = static_cast<std::uint32_t>(product >> 32) ^ high_of_block ^ key.low[0];
    const std::uint64_t second = std::uint64_t{0xD2511F53u} * c0;
    e0 = static_cast<std::uint32_t>(product) ^ key.low[1];
    d2 = static_cast<std::uint32_t>(second >> 32) ^ key.high[1];
    d3 = static_cast<std::uint32_t>(second);
  }

  /// The first two rounds of the block with this lowest word.
  PARADIGM_HOST_DEVICE void begin(std::uint32_t low_of_block, std::uint32_t (&c)[4]) const {
    const std::uint64_t first = std::uint64_t{0xD2511F53u} * low_of_block;
    const std::uint32_t c2 = static_cast<std::uint32_t>(first >> 32) ^ c3;
    const std::uint64_t second = std::uint64_t{0xCD9E8D57u} * c2;
    c[0] = static_cast<std::uint32_t>(second >> 32) ^ e0;
    c[1] = static_cast<std::uint32_t>(second);
    c[2] = static_cast<std::uint32_t>(first) ^ d2;
    c[3] = d3;
  }
};

/// Several blocks of one series, their rounds side by side.
template <int count>
PARADIGM_HOST_DEVICE inline void noise_blocks(const PhiloxRoundKeys& key,
                                              const PhiloxSeries& series,
                                              const std::uint32_t (&low_of_block)[count],
                                              PhiloxBlock (&out)[count]) {
  for (int i = 0; i < count; ++i) series.begin(low_of_block[i], out[i].word);
  for (int round = 2; round < 10; ++round) {
    for (int i = 0; i < count; ++i) philox_round(key, round, out[i].word);
  }
}

}  // namespace kernels
