// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/normal_noise/normal_noise.h"

#include "kernels/noise_key.h"
#include "kernels/normal_noise/normal.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <numbers>
#include <string>
#include <vector>

namespace {

using kernels::NoiseStream;

std::int64_t sample_count() {
  return std::getenv("PARADIGM_LONG_TESTS") != nullptr ? 10'000'000 : 1'000'000;
}

NoiseStream stream_of(const std::string& layer, std::uint32_t step = 0) {
  return {kernels::noise_key(42, kernels::layer_id(layer), 0, kernels::noise_role::scripted),
          {step, 0},
          0};
}

std::vector<float> drawn(const NoiseStream& stream, std::int64_t count) {
  std::vector<float> values(static_cast<std::size_t>(count));
  kernels::cpu::normal(stream, count, values.data());
  return values;
}

// Moments in standard errors of a standard normal sample of this size: variances 1, 2, 15, 96.
bool looks_normal(const std::vector<float>& values, double bound) {
  const double n = static_cast<double>(values.size());
  double moments[4] = {}, lagged = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double x = values[i];
    moments[0] += x;
    moments[1] += x * x;
    moments[2] += x * x * x;
    moments[3] += x * x * x * x;
    if (i > 0) lagged += x * values[i - 1];
  }
  const double expected[4] = {0, 1, 0, 3}, variance[4] = {1, 2, 15, 96};
  bool ok = std::fabs(lagged / n * std::sqrt(n)) < bound;
  for (int k = 0; k < 4; ++k)
    ok = ok && std::fabs(moments[k] / n - expected[k]) < bound * std::sqrt(variance[k] / n);
  return ok;
}

TEST(NormalNoise, VectorisedEqualsReferenceAtEveryOffsetAndLength) {
  for (const std::uint64_t first : {0ull, 1ull, 2ull, 3ull, 1021ull, (1ull << 34) - 5}) {
    for (const std::int64_t count : {0, 1, 2, 3, 7, 8, 9, 17, 1023, 1024, 1025, 3001}) {
      const NoiseStream stream{0x5cabaa10577fab40u, {7, 3}, first};
      std::vector<float> fast(static_cast<std::size_t>(count) + 1, -9.0f);
      std::vector<float> slow(static_cast<std::size_t>(count) + 1, -9.0f);
      kernels::cpu::normal(stream, count, fast.data());
      kernels::reference::normal(stream, count, slow.data());
      ASSERT_EQ(fast, slow) << "first " << first << " count " << count;
    }
  }
}

TEST(NormalNoise, ElementTakesItsTwoWordsOfTheStream) {
  const NoiseStream stream{0x5cabaa10577fab40u, {7, 3}, 0};
  std::vector<float> uniforms(64);
  kernels::reference::uniform(stream, 64, uniforms.data());
  const std::vector<float> values = drawn(stream, 32);
  for (std::size_t e = 0; e < 32; ++e) {
    const double u1 = uniforms[2 * e], u2 = uniforms[2 * e + 1];
    const double exact = std::sqrt(-2 * std::log(1 - u1)) * std::cos(2 * std::numbers::pi * u2);
    EXPECT_NEAR(values[e], exact, 2e-6) << e;
  }
}

TEST(NormalNoise, ElementaryFunctionsAreAccurateOverTheirWholeRange) {
  double worst_logarithm = 0, worst_cosine = 0;
  for (int i = 1; i <= 1 << 20; ++i) {
    const float v = static_cast<float>(i) / (1 << 20);
    const double exact = std::log(static_cast<double>(v));
    const double found = kernels::normal_parts::logarithm(v);
    worst_logarithm =
        std::max(worst_logarithm, std::fabs(found - exact) / (std::fabs(exact) + 1e-9));
    const float u = static_cast<float>(i - 1) / (1 << 20);
    worst_cosine =
        std::max(worst_cosine, std::fabs(kernels::normal_parts::cosine_of_turns(u) -
                                         std::cos(2 * std::numbers::pi * static_cast<double>(u))));
  }
  EXPECT_LT(worst_logarithm, 3e-7);
  EXPECT_LT(worst_cosine, 2e-7);
  EXPECT_EQ(kernels::normal_parts::logarithm(1.0f), 0.0f);
  EXPECT_EQ(kernels::normal_from_uniform(0.0f, 0.3f), 0.0f);
  EXPECT_NEAR(kernels::normal_from_uniform(1.0f - 0x1p-24f, 0.0f), 5.7681, 1e-3);
}

TEST(NormalNoise, IsNormalAndUncorrelated) {
  EXPECT_TRUE(looks_normal(drawn(stream_of("lm_head", 3), sample_count()), 4.5));
}

TEST(NormalNoise, TheJudgeRefusesFrozenFeebleAndStrongNoise) {
  std::vector<float> noise = drawn(stream_of("lm_head"), 100'000);
  std::vector<float> feeble = noise, strong = noise;
  for (float& value : feeble) value *= 0.97f;
  for (float& value : strong) value *= 1.03f;
  EXPECT_TRUE(looks_normal(noise, 4.5));
  EXPECT_FALSE(looks_normal(std::vector<float>(100'000, 0.7f), 4.5));
  EXPECT_FALSE(looks_normal(feeble, 4.5));
  EXPECT_FALSE(looks_normal(strong, 4.5));
}

TEST(NormalNoise, IsIndependentAcrossLayersAndSteps) {
  const std::int64_t count = sample_count();
  const std::vector<float> base = drawn(stream_of("model.layers.0.mlp.up_proj", 5), count);
  for (const NoiseStream& other :
       {stream_of("model.layers.1.mlp.up_proj", 5), stream_of("model.layers.0.mlp.up_proj", 6),
        stream_of("model.layers.0.mlp.up_proj", 5).at(count)}) {
    const std::vector<float> values = drawn(other, count);
    double product = 0;
    for (std::size_t i = 0; i < base.size(); ++i)
      product += static_cast<double>(base[i]) * values[i];
    EXPECT_LT(std::fabs(product) / std::sqrt(static_cast<double>(count)), 4.5);
  }
}

}  // namespace
