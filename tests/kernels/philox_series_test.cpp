// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/philox_series.h"

#include <gtest/gtest.h>

namespace {

TEST(PhiloxSeries, BlocksAreThoseOfTheirCounters) {
  const kernels::PhiloxRoundKeys keys(0x5cabaa10577fab40u);
  for (const std::uint64_t first : {std::uint64_t{0}, std::uint64_t{0x123456789Au}}) {
    const kernels::NoiseTime time{7, 3};
    const kernels::PhiloxSeries series(keys, static_cast<std::uint32_t>(first >> 32), time);
    const std::uint32_t low[2] = {static_cast<std::uint32_t>(first),
                                  static_cast<std::uint32_t>(first) + 9};
    kernels::PhiloxBlock blocks[2];
    kernels::noise_blocks(keys, series, low, blocks);
    for (int i = 0; i < 2; ++i) {
      const kernels::PhiloxBlock right =
          kernels::noise_block(0x5cabaa10577fab40u, first + 9 * i, time);
      for (int word = 0; word < 4; ++word) EXPECT_EQ(blocks[i].word[word], right.word[word]);
    }
  }
}

}  // namespace
