// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/level_quantiser/level.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

namespace kernels {
namespace {

bool same(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) ||
         std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

TEST(FastLevelGrid, HasTheBitsOfTheDividingGrid) {
  std::mt19937_64 random(5);
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<float> noise(-0.5f, 0.5f);
  std::uniform_real_distribution<float> exponent(-12, 12);
  for (const int levels : {2, 3, 16, 255, 256, 257, 1000, 65536}) {
    for (int grids = 0; grids < 500; ++grids) {
      const float size = std::exp2(exponent(random));
      const float a = normal(random) * size, b = normal(random) * size;
      const float range[2] = {std::min(a, b), std::max(a, b)};
      const LevelGrid slow(range, levels);
      const FastLevelGrid fast(range, levels);
      for (int i = 0; i < 2000; ++i) {
        const float x = normal(random) * size;
        const float xi = i % 2 == 0 ? noise(random) : 0.0f;
        ASSERT_TRUE(same(fast.level(x, xi), slow.level(x, xi)))
            << levels << " levels, [" << range[0] << ", " << range[1] << "], x " << x << ", xi "
            << xi << ": " << fast.level(x, xi) << " " << slow.level(x, xi);
      }
    }
  }
}

TEST(FastLevelGrid, AgreesOnValuesThatAreNotNumbersAndOnRangesWithoutWidth) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  const float ranges[][2] = {{-1, 1}, {0, 0}, {2, 2}, {infinity, -infinity}, {0, 1e-30f}};
  for (const auto& range : ranges) {
    const LevelGrid slow(range, 256);
    const FastLevelGrid fast(range, 256);
    for (const float x : {0.0f, -0.0f, 1.0f, -1.0f, 2.0f, infinity, -infinity, nan, 1e-38f, 1e-45f})
      EXPECT_TRUE(same(fast.level(x, 0.25f), slow.level(x, 0.25f)))
          << range[0] << " " << range[1] << " x " << x << ": " << fast.level(x, 0.25f) << " "
          << slow.level(x, 0.25f);
  }
}

}  // namespace
}  // namespace kernels
