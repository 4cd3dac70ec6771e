// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/level_quantiser/level_quantiser.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace {

using kernels::ReadOut;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

std::vector<float> test_values(std::size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> values(count);
  for (float& value : values) value = normal(generator);
  const float special[] = {0.0f, -0.0f, kInfinity, -kInfinity, kNaN, 1e-38f, -1.0f, 1.0f};
  for (std::size_t i = 0; i < count && i < 8; ++i) values[(i * 37) % count] = special[i];
  return values;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    if (std::bit_cast<std::uint32_t>(a[i]) != std::bit_cast<std::uint32_t>(b[i])) return false;
  }
  return a.size() == b.size();
}

struct Golden {
  float lo, hi, x, det, floored, rand;
};

// The specification's table; 7 significant decimals stand for one float among neighbours about 3e-8
// apart.
const Golden kGolden[] = {
    {-1, 1, -0.5f, -0.4980392f, -0.4980392f, -0.4980392f},
    {-1, 1, -0.01f, -0.0117647f, -0.0200400f, -0.0039216f},
    {-1, 1, 0, 0.0039216f, 0.0200400f, 0.0039216f},
    {-1, 1, 0.01f, 0.0117648f, 0.0200400f, 0.0117648f},
    {-1, 1, 0.5f, 0.4980392f, 0.4980392f, 0.5058824f},
    {-0.75f, 1.25f, -0.003f, -0.0049019f, -0.0150300f, 0.0029412f},
    {-0.75f, 1.25f, 0, 0.0029412f, 0.0250500f, 0.0029412f},
    {0, 1, 0, 0, 0, 0},
    {0, 1, 0.0019f, 0, 0.0f, 0.0039216f},
};

// What the equations of the specification give in fp32, written with the noise fed in.
float golden_rand(float x, float lo, float hi, float xi) {
  volatile float r = hi - lo;
  volatile float scaled = (x - lo) / (r + 1e-8f);
  volatile float v = scaled * 255.0f;
  volatile float shifted = v + xi;
  volatile float k = std::rint(shifted);
  k = k < 0 ? 0 : (k > 255 ? 255 : k);
  volatile float fraction = k / 255.0f;
  volatile float wide = fraction * r;
  return wide + lo;
}

TEST(LevelQuantiser, GoldenTable) {
  for (const Golden& golden : kGolden) {
    const float range[2] = {golden.lo, golden.hi};
    float det = 0, floored = 0, cpu_det = 0, cpu_floored = 0;
    kernels::reference::quantise(&golden.x, 1, 256, range, 0.0f, &det);
    kernels::reference::quantise(&golden.x, 1, 256, range, 0.020040f, &floored);
    kernels::cpu::quantise(&golden.x, 1, 256, range, 0.0f, &cpu_det);
    kernels::cpu::quantise(&golden.x, 1, 256, range, 0.020040f, &cpu_floored);
    EXPECT_NEAR(det, golden.det, 6e-8f) << golden.x;
    EXPECT_NEAR(floored, golden.floored, 6e-8f) << golden.x;
    EXPECT_EQ(cpu_det, det);
    EXPECT_EQ(cpu_floored, floored);
    EXPECT_EQ(det, golden_rand(golden.x, golden.lo, golden.hi, 0.0f));
    EXPECT_NEAR(golden_rand(golden.x, golden.lo, golden.hi, 0.2980929f), golden.rand, 6e-8f)
        << golden.x;
  }
}

// Key 0, counter 0 is the scalar +0.2980929 of the table: element 0 of the stream with key 0 at
// step 0.
TEST(LevelQuantiser, NoisyColumnOfTheGoldenTable) {
  for (const Golden& golden : kGolden) {
    const float range[2] = {golden.lo, golden.hi};
    ReadOut how;
    how.range = range;
    float reference = 0, fast = 0;
    kernels::reference::read_out(&golden.x, 1, 1, how, &reference, 1);
    kernels::cpu::read_out(&golden.x, 1, 1, how, &fast, 1);
    EXPECT_NEAR(reference, golden.rand, 6e-8f) << golden.x;
    EXPECT_EQ(fast, reference);
  }
}

TEST(LevelQuantiser, AFrozenReadOutGivesTheNoisyColumnInEveryElement) {
  for (const Golden& golden : kGolden) {
    const float range[2] = {golden.lo, golden.hi};
    const std::vector<float> x(2500, golden.x);
    std::vector<float> y(x.size()), slow(x.size());
    const ReadOut how{.range = range, .noise = {0, {7, 3}, 12345}, .frozen = true};
    kernels::cpu::read_out(x.data(), 25, 100, how, y.data(), 100);
    kernels::reference::read_out(x.data(), 25, 100, how, slow.data(), 100);
    EXPECT_TRUE(same_bits(y, slow));
    for (const float value : y) ASSERT_NEAR(value, golden.rand, 6e-8f);
  }
}

// 65535 + xi rounds to a tie in fp32 when xi is near a half: only then does the missing clamp show.
TEST(LevelQuantiser, AFrozenReadOutMayPassTheTopLevel) {
  const float range[2] = {0, 65535};
  const float x = 65535;
  std::uint64_t key = 0;
  while (kernels::uniform_from_word(kernels::philox(key, 0, 0, 0, 0).word[0]) < 0.999f) ++key;
  ReadOut how{.levels = 65536, .range = range, .noise = {key, {}, 0}, .frozen = true};
  float frozen = 0, slow = 0, clamped = 0;
  kernels::cpu::read_out(&x, 1, 1, how, &frozen, 1);
  kernels::reference::read_out(&x, 1, 1, how, &slow, 1);
  how.frozen = false;
  kernels::cpu::read_out(&x, 1, 1, how, &clamped, 1);
  EXPECT_EQ(frozen, slow);
  EXPECT_GT(frozen, 65535.9f);
  EXPECT_EQ(clamped, 65535.0f);
}

TEST(LevelQuantiser, VectorisedEqualsReference) {
  const float ranges[][2] = {{-1, 1},      {-0.75f, 1.25f}, {0, 1},
                             {0.5f, 0.5f}, {-3e-5f, 2e-5f}, {-1e30f, 2e30f}};
  for (const std::size_t count : {1, 3, 8, 15, 16, 17, 31, 33, 100, 1025, 4099}) {
    const std::vector<float> x = test_values(count, 7);
    for (const auto& range : ranges) {
      for (const int levels : {2, 3, 16, 255, 256, 65536}) {
        for (const float floor : {0.0f, 0.02004f, 0.3f}) {
          std::vector<float> fast(count), slow(count);
          kernels::cpu::quantise(x.data(), count, levels, range, floor, fast.data());
          kernels::reference::quantise(x.data(), count, levels, range, floor, slow.data());
          ASSERT_TRUE(same_bits(fast, slow))
              << count << " " << levels << " " << floor << " " << range[0];
        }
      }
    }
  }
}

TEST(LevelQuantiser, VectorisedReadOutEqualsReference) {
  const float range[2] = {-1.5f, 1.25f};
  for (const auto& [rows, cols] :
       std::vector<std::pair<int, int>>{{1, 1}, {3, 5}, {7, 33}, {5, 1024}, {3, 2500}, {64, 17}}) {
    const std::vector<float> x = test_values(static_cast<std::size_t>(rows * cols), 3);
    const std::vector<float> bias = test_values(static_cast<std::size_t>(cols), 5);
    for (const bool noisy : {false, true}) {
      for (const float* with_bias : {static_cast<const float*>(nullptr), bias.data()}) {
        for (const std::uint64_t first : {0ull, 3ull, 4097ull}) {
          const ReadOut how{256, range, noisy, {99, {4, 1}, first}, with_bias};
          const int stride = cols + 2;
          std::vector<float> fast(static_cast<std::size_t>(rows * stride), 8.0f), slow = fast;
          const kernels::Range a =
              kernels::cpu::read_out(x.data(), rows, cols, how, fast.data(), stride);
          const kernels::Range b =
              kernels::reference::read_out(x.data(), rows, cols, how, slow.data(), stride);
          ASSERT_TRUE(same_bits(fast, slow))
              << rows << "x" << cols << " noisy " << noisy << " first " << first;
          ASSERT_TRUE(same_bits({a.lo, a.hi}, {b.lo, b.hi}));
        }
      }
    }
  }
}

TEST(LevelQuantiser, EveryInstructionSetGivesTheSameBits) {
  for (const char* isa : {"generic", "avx2"}) {
    const std::string command = std::string("PARADIGM_ISA=") + isa + " /proc/" +
                                std::to_string(getpid()) +
                                "/exe --gtest_filter=LevelQuantiser.Vectorised* > /dev/null";
    EXPECT_EQ(std::system(command.c_str()), 0) << isa;
  }
}

TEST(LevelQuantiser, ConstantTensorGivesTheConstant) {
  const std::vector<float> x(40, 0.731f);
  const float range[2] = {0.731f, 0.731f};
  std::vector<float> y(40);
  kernels::cpu::quantise(x.data(), 40, 256, range, 0.0f, y.data());
  for (const float value : y) EXPECT_EQ(value, 0.731f);
}

TEST(LevelQuantiser, NaNPropagatesAndInfinityClamps) {
  const float x[3] = {kNaN, kInfinity, -kInfinity};
  const float range[2] = {-2, 3};
  float y[3];
  kernels::cpu::quantise(x, 3, 256, range, 0.0f, y);
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_EQ(y[1], 3.0f);
  EXPECT_EQ(y[2], -2.0f);
}

TEST(LevelQuantiser, ARangeNeverObservedGivesNaN) {
  const float x = 0.5f;
  const float range[2] = {kInfinity, -kInfinity};
  float y = 0;
  kernels::cpu::quantise(&x, 1, 256, range, 0.02f, &y);
  EXPECT_TRUE(std::isnan(y));
}

TEST(LevelQuantiser, ReadOutErrorHasTheVarianceOfDitherPlusRounding) {
  const std::size_t count = 1'000'000;
  std::mt19937 generator(11);
  std::uniform_real_distribution<float> inside(-0.95f, 0.95f);
  std::vector<float> x(count), y(count);
  for (float& value : x) value = inside(generator);
  const float range[2] = {-1, 1};
  kernels::cpu::read_out(x.data(), 1, count, {256, range, true, {17, {}, 0}, nullptr}, y.data(),
                         count);
  const double lsb = 2.0 / 255;
  double mean = 0, variance = 0;
  for (std::size_t i = 0; i < count; ++i) mean += (y[i] - x[i]) / lsb;
  mean /= count;
  for (std::size_t i = 0; i < count; ++i) variance += std::pow((y[i] - x[i]) / lsb - mean, 2);
  variance /= count;
  EXPECT_LT(std::fabs(mean), 4 * std::sqrt(1.0 / 6 / count));
  EXPECT_NEAR(variance, 1.0 / 6,
              0.002);  // triangular error: 1/12 + 1/12; a frozen scalar would give 1/12
}

}  // namespace
