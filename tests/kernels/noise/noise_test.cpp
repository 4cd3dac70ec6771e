// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/noise/noise.h"

#include "kernels/noise_key.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using kernels::NoiseStream;

std::int64_t sample_count() {
  return std::getenv("PARADIGM_LONG_TESTS") != nullptr ? 10'000'000 : 1'000'000;
}

std::vector<float> dither(const NoiseStream& stream, std::int64_t count) {
  std::vector<float> values(static_cast<std::size_t>(count));
  kernels::cpu::uniform(stream, count, values.data());
  for (float& value : values) value -= 0.5f;
  return values;
}

NoiseStream stream_of(const std::string& layer, std::uint64_t role, std::uint32_t step = 0,
                      std::uint64_t user_seed = 0, std::uint64_t run_seed = 42) {
  return {kernels::noise_key(run_seed, kernels::layer_id(layer), user_seed, role), {step, 0}, 0};
}

// Deviations in standard errors from independent uniform noise on [-0.5, 0.5): what a check must
// keep below a bound.
struct Verdict {
  double mean = 0, variance = 0, lag[3] = {};
  bool passes(double bound) const {
    bool ok = std::fabs(mean) < bound && std::fabs(variance) < bound;
    for (const double l : lag) ok = ok && std::fabs(l) < bound;
    return ok;
  }
};

Verdict judge(const std::vector<float>& xi) {
  const double n = static_cast<double>(xi.size());
  double sum = 0, squares = 0, products[3] = {};
  for (std::size_t i = 0; i < xi.size(); ++i) {
    sum += xi[i];
    squares += static_cast<double>(xi[i]) * xi[i];
    for (std::size_t lag = 1; lag <= 3 && i >= lag; ++lag)
      products[lag - 1] += static_cast<double>(xi[i]) * xi[i - lag];
  }
  Verdict verdict;
  verdict.mean = sum / n / std::sqrt(1.0 / 12 / n);
  verdict.variance =
      (squares / n - 1.0 / 12) / std::sqrt(1.0 / 180 / n);  // Var(xi^2) = 1/80 - 1/144 = 1/180
  for (int lag = 0; lag < 3; ++lag) verdict.lag[lag] = products[lag] / n / std::sqrt(1.0 / 144 / n);
  return verdict;
}

double correlation_in_standard_errors(const std::vector<float>& a, const std::vector<float>& b) {
  double product = 0;
  for (std::size_t i = 0; i < a.size(); ++i) product += static_cast<double>(a[i]) * b[i];
  return product / static_cast<double>(a.size()) /
         std::sqrt(1.0 / 144 / static_cast<double>(a.size()));
}

TEST(Noise, VectorisedEqualsReferenceAtEveryOffsetAndLength) {
  for (const std::uint64_t first :
       {0ull, 1ull, 2ull, 3ull, 5ull, 31ull, (1ull << 34) - 6, (1ull << 40) + 7}) {
    for (const std::int64_t count :
         {0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33, 63, 100, 1000, 1027}) {
      const NoiseStream stream{0x5cabaa10577fab40u, {7, 3}, first};
      std::vector<float> fast(static_cast<std::size_t>(count) + 1, -1.0f);
      std::vector<float> slow(static_cast<std::size_t>(count) + 1, -1.0f);
      kernels::cpu::uniform(stream, count, fast.data());
      kernels::reference::uniform(stream, count, slow.data());
      ASSERT_EQ(fast, slow) << "first " << first << " count " << count;
    }
  }
}

TEST(Noise, PiecesOfATensorJoinToTheWhole) {
  const NoiseStream stream = stream_of("model.layers.0.mlp.up_proj", 1);
  const std::vector<float> whole = dither(stream, 1001);
  std::vector<float> pieces;
  for (std::int64_t begin = 0; begin < 1001; begin += 91) {
    const std::vector<float> piece = dither(stream.at(begin), 91);
    pieces.insert(pieces.end(), piece.begin(), piece.end());
  }
  EXPECT_EQ(pieces, whole);
}

TEST(Noise, IsUniformAndUncorrelatedInItself) {
  const Verdict verdict =
      judge(dither(stream_of("model.layers.3.self_attn.o_proj", 1, 12), sample_count()));
  EXPECT_TRUE(verdict.passes(4.5))
      << verdict.mean << " " << verdict.variance << " " << verdict.lag[0] << " " << verdict.lag[1]
      << " " << verdict.lag[2];
}

TEST(Noise, ChiSquareOverSixtyFourBinsIsPlausible) {
  const std::int64_t count = sample_count();
  std::vector<std::int64_t> bins(64, 0);
  for (const float xi : dither(stream_of("lm_head", 1), count))
    ++bins[static_cast<std::size_t>((xi + 0.5f) * 64)];
  double chi_square = 0;
  const double expected = static_cast<double>(count) / 64;
  for (const std::int64_t n : bins) chi_square += (n - expected) * (n - expected) / expected;
  EXPECT_GT(chi_square, 25);  // 63 degrees of freedom: 63 ± 11.2
  EXPECT_LT(chi_square, 115);
}

TEST(Noise, TheJudgeRefusesFrozenFeebleAndStrongNoise) {
  std::vector<float> frozen(100'000, 0.2980929f);
  EXPECT_FALSE(judge(frozen).passes(4.5));
  std::vector<float> noise = dither(stream_of("lm_head", 1), 100'000);
  std::vector<float> feeble = noise, strong = noise;
  for (float& xi : feeble) xi *= 0.95f;
  for (float& xi : strong) xi *= 1.05f;
  EXPECT_TRUE(judge(noise).passes(4.5));
  EXPECT_FALSE(judge(feeble).passes(4.5));
  EXPECT_FALSE(judge(strong).passes(4.5));
}

TEST(Noise, IsIndependentAcrossLayersStepsRolesAndSeeds) {
  const std::int64_t count = sample_count();
  const std::vector<float> base = dither(stream_of("model.layers.0.self_attn", 2, 5), count);
  const NoiseStream others[] = {
      stream_of("model.layers.1.self_attn", 2, 5),
      stream_of("model.layers.0.self_attn", 2, 6),
      stream_of("model.layers.0.self_attn", 3, 5),
      stream_of("model.layers.0.self_attn", 2 + kernels::noise_role::evaluation, 5),
      stream_of("model.layers.0.self_attn", 2, 5, 1),
      stream_of("model.layers.0.self_attn", 2, 5, 0, 43),
      stream_of("model.layers.0.self_attn", 2, 5).at(count)};
  for (const NoiseStream& other : others) {
    EXPECT_LT(std::fabs(correlation_in_standard_errors(base, dither(other, count))), 4.5);
  }
  EXPECT_GT(correlation_in_standard_errors(base, base), 100);
}

// The instruction set is chosen once a process, so the others are tried in children.
TEST(Noise, EveryInstructionSetGivesTheSameBits) {
  for (const char* isa : {"generic", "avx2"}) {
    const std::string command = std::string("PARADIGM_ISA=") + isa + " /proc/" +
                                std::to_string(getpid()) +
                                "/exe --gtest_filter=Noise.VectorisedEqualsReference* > /dev/null";
    EXPECT_EQ(std::system(command.c_str()), 0) << isa;
  }
}

}  // namespace
