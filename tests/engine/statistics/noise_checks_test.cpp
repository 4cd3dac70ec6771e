// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/statistics/noise_checks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>
#include <vector>

namespace {

using namespace engine;

constexpr std::int64_t kCount = 200'000;

std::vector<float> drawn(std::uint32_t seed, const std::function<float(float)>& shape) {
  std::mt19937 generator(seed);
  std::vector<float> x(kCount);
  for (float& value : x) value = shape(static_cast<float>(generator()) * 0x1p-32f - 0.5f);
  return x;
}

float as_drawn(float xi) { return xi; }

NoiseSums sums_of(const std::vector<float>& x) {
  NoiseSums sums;
  sums.add(x.data(), 1000);  // in pieces of any size
  sums.add(x.data() + 1000, static_cast<std::int64_t>(x.size()) - 1000);
  return sums;
}

CorrelationSums pairs_of(const std::vector<float>& a, const std::vector<float>& b,
                         std::int64_t lag = 0) {
  CorrelationSums sums;
  sums.add(a.data(), b.data() + lag, static_cast<std::int64_t>(a.size()) - lag);
  return sums;
}

bool moments_pass(const std::vector<float>& x) {
  const NoiseSums sums = sums_of(x);
  return check_mean("mean", sums, kUniformNoise).pass &&
         check_variance("variance", sums, kUniformNoise).pass;
}

TEST(NoiseChecks, GoodNoisePasses) {
  const std::vector<float> a = drawn(1, as_drawn), b = drawn(2, as_drawn);
  EXPECT_TRUE(moments_pass(a));
  EXPECT_TRUE(check_uncorrelated("lag 1", pairs_of(a, a, 1)).pass);
  EXPECT_TRUE(check_uncorrelated("layers", pairs_of(a, b)).pass);
}

TEST(NoiseChecks, TooLittleNoiseFailsLikeTooMuch) {
  EXPECT_FALSE(moments_pass(drawn(1, [](float xi) { return 0.98f * xi; })));
  EXPECT_FALSE(moments_pass(drawn(1, [](float xi) { return 1.02f * xi; })));
  EXPECT_FALSE(moments_pass(drawn(1, [](float xi) { return xi + 0.01f; })));
  EXPECT_FALSE(moments_pass(drawn(1, [](float) { return 0.0f; })));
}

TEST(NoiseChecks, AFrozenGeneratorFailsEveryCheck) {
  const std::vector<float> frozen = drawn(1, [](float) { return 0.2980929f; });
  const NoiseSums sums = sums_of(frozen);
  EXPECT_FALSE(check_mean("mean", sums, kUniformNoise).pass);
  EXPECT_FALSE(check_variance("variance", sums, kUniformNoise).pass);
  EXPECT_NEAR(sums.variance(), 0, 1e-12);
  EXPECT_FALSE(check_uncorrelated("lag 1", pairs_of(frozen, frozen, 1)).pass);
  EXPECT_TRUE(std::isnan(pairs_of(frozen, drawn(2, as_drawn)).correlation()));
}

TEST(NoiseChecks, RepeatedAndOverlappingStreamsAreCorrelated) {
  const std::vector<float> a = drawn(1, as_drawn), b = drawn(2, as_drawn);
  EXPECT_NEAR(pairs_of(a, a).correlation(), 1, 1e-9);
  std::vector<float> mixed(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) mixed[i] = 0.02f * a[i] + b[i];
  EXPECT_FALSE(check_uncorrelated("leak", pairs_of(a, mixed)).pass);
}

TEST(NoiseChecks, TheMomentsOfADitheredReadOutAreItsOwn) {
  std::mt19937 generator(5);
  std::vector<float> error(kCount);
  for (float& e : error) {
    const float v = static_cast<float>(generator()) * 0x1p-32f * 100;
    e = std::rint(v + static_cast<float>(generator()) * 0x1p-32f - 0.5f) - v;
  }
  const NoiseSums sums = sums_of(error);
  EXPECT_TRUE(check_mean("mean", sums, kDitheredReadOut).pass);
  EXPECT_TRUE(check_variance("variance", sums, kDitheredReadOut).pass);
  EXPECT_FALSE(check_variance("variance", sums, kUniformNoise).pass);
}

TEST(NoiseChecks, RatesAreBoundedOnBothSides) {
  const double p = 0x1p-4;
  const std::int64_t n = 1'000'000;
  const auto hits = static_cast<std::int64_t>(p * static_cast<double>(n));
  const double error = std::sqrt(p * (1 - p) * static_cast<double>(n));
  EXPECT_TRUE(check_rate("r", hits + static_cast<std::int64_t>(3.9 * error), n, p).pass);
  EXPECT_FALSE(check_rate("r", hits + static_cast<std::int64_t>(4.1 * error), n, p).pass);
  EXPECT_FALSE(check_rate("r", hits - static_cast<std::int64_t>(4.1 * error), n, p).pass);
}

TEST(NoiseChecks, RareEventsHaveExactBounds) {
  // 0.6 events expected: none is likely, eight have probability 2e-7.
  const NoiseCheck none = check_rate("r", 0, 10'000'000, 0x1p-24);
  EXPECT_TRUE(none.pass);
  EXPECT_EQ(none.lower, 0);
  EXPECT_TRUE(check_rate("r", 4, 10'000'000, 0x1p-24).pass);
  EXPECT_FALSE(check_rate("r", 8, 10'000'000, 0x1p-24).pass);
  // 100 expected: standard error 10, skewed.
  EXPECT_FALSE(check_rate("r", 62, 100'000, 1e-3).pass);
  EXPECT_TRUE(check_rate("r", 65, 100'000, 1e-3).pass);
  EXPECT_TRUE(check_rate("r", 140, 100'000, 1e-3).pass);
  EXPECT_FALSE(check_rate("r", 145, 100'000, 1e-3).pass);
  // Near 1 it is the misses that are rare.
  EXPECT_TRUE(check_rate("r", 99'900, 100'000, 1 - 1e-3).pass);
  EXPECT_FALSE(check_rate("r", 99'850, 100'000, 1 - 1e-3).pass);
  EXPECT_FALSE(check_rate("r", 99'945, 100'000, 1 - 1e-3).pass);
}

TEST(NoiseChecks, ConfidenceIsStated) {
  EXPECT_NEAR(confidence(1.959964), 0.95, 1e-6);
  EXPECT_NEAR(confidence(kNoiseBounds), 0.99993666, 1e-8);
}

TEST(NoiseChecks, NoSamplesPassNothing) {
  EXPECT_FALSE(check_mean("mean", NoiseSums(), kUniformNoise).pass);
  EXPECT_FALSE(check_rate("rate", 0, 0, 0.5).pass);
}

}  // namespace
