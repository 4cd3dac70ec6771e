// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/attention_scores/attention_scores.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

namespace {

using kernels::ScoreReadOut;
using kernels::ScoreTile;

// The softmax's tolerance, relative: its exponential errs by 3e-7, its sum by some 1e-7, and the
// fp32 exponent x itself by |x| * 1.2e-7, which counts only where the probability is too small to
// matter.
constexpr float kSoftmaxTolerance = 2e-6f;

std::vector<float> normal_values(std::size_t count, float sigma, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, sigma);
  std::vector<float> values(count);
  for (float& value : values) value = normal(generator);
  return values;
}

const ScoreTile kTiles[] = {{1, 1, 1, 1},        {3, 5, 3, 5},    {4, 33, 1, 40}, {2, 100, 60, 100},
                            {17, 300, 284, 300}, {3, 40, -1, 40}, {5, 64, 64, 64}};

TEST(AttentionScores, ProbabilitiesMatchTheReference) {
  const float range[2] = {-20.0f, 22.0f};
  for (const ScoreTile& tile : kTiles) {
    const std::vector<float> scores =
        normal_values(static_cast<std::size_t>(tile.rows * tile.cols), 8, 3);
    for (const bool noisy : {false, true}) {
      const ScoreReadOut how{{256, range, noisy, {5, {2, 0}, 77}, nullptr}, 0.35f};
      std::vector<float> fast(scores.size()), slow(scores.size());
      const kernels::Range a = kernels::cpu::probabilities(tile, scores.data(), how, fast.data());
      const kernels::Range b =
          kernels::reference::probabilities(tile, scores.data(), how, slow.data());
      EXPECT_EQ(a.lo, b.lo);
      EXPECT_EQ(a.hi, b.hi);
      for (std::size_t i = 0; i < scores.size(); ++i) {
        ASSERT_NEAR(fast[i], slow[i], kSoftmaxTolerance * slow[i] + 1e-11f)
            << i << " of " << tile.cols;
      }
    }
  }
}

TEST(AttentionScores, HiddenKeysHaveNoProbabilityAndRowsSumToOne) {
  const float range[2] = {-4, 4};
  const ScoreTile tile{6, 70, 65, 70};
  std::vector<float> p = normal_values(6 * 70, 2, 1);
  kernels::cpu::probabilities(tile, p.data(), {{256, range, true, {}, nullptr}, 1.0f}, p.data());
  for (std::int64_t row = 0; row < tile.rows; ++row) {
    float sum = 0;
    for (std::int64_t j = 0; j < tile.cols; ++j) {
      if (j >= tile.visible(row)) {
        EXPECT_EQ(p[row * 70 + j], 0.0f);
      }
      sum += p[row * 70 + j];
    }
    EXPECT_NEAR(sum, 1, 1e-5);
  }
}

TEST(AttentionScores, ARowWithNaNBecomesNaN) {
  const float range[2] = {-4, 4};
  std::vector<float> p = normal_values(2 * 50, 2, 1);
  p[60] = std::nanf("");
  kernels::cpu::probabilities({2, 50, 50, 50}, p.data(), {{256, range, true, {}, nullptr}, 1.0f},
                              p.data());
  for (int j = 0; j < 50; ++j) {
    EXPECT_TRUE(std::isfinite(p[j]));
    EXPECT_TRUE(std::isnan(p[50 + j]));
  }
}

TEST(AttentionScores, VectorisedDropEqualsReferenceAndKeepsTheMean) {
  for (const ScoreTile& tile : kTiles) {
    std::vector<float> fast(static_cast<std::size_t>(tile.rows * tile.cols), 1.0f), slow = fast;
    kernels::cpu::drop(tile, 0.25f, {9, {1, 1}, 13}, fast.data());
    kernels::reference::drop(tile, 0.25f, {9, {1, 1}, 13}, slow.data());
    EXPECT_EQ(fast, slow);
  }
  std::vector<float> ones(100'000, 1.0f);
  kernels::cpu::drop({1, 100'000, 100'000, 100'000}, 0.25f, {9, {}, 0}, ones.data());
  double mean = 0;
  for (const float value : ones) mean += value;
  EXPECT_NEAR(mean / 100'000, 1.0, 4 * std::sqrt(0.25 / 0.75 / 100'000));
}

TEST(AttentionScores, GradientMatchesTheReference) {
  const float clip[2] = {-5, 6};
  for (const ScoreTile& tile : kTiles) {
    const std::size_t size = static_cast<std::size_t>(tile.rows * tile.cols);
    const std::vector<float> scores = normal_values(size, 4, 5);
    std::vector<float> p = scores;
    const float range[2] = {-30, 30};
    kernels::reference::probabilities(tile, scores.data(),
                                      {{65536, range, false, {}, nullptr}, 0.5f}, p.data());
    for (const float* clip_range : {static_cast<const float*>(nullptr), clip}) {
      std::vector<float> fast = normal_values(size, 1, 6), slow = fast;
      kernels::cpu::score_gradient(tile, p.data(), 0.5f, scores.data(), clip_range, fast.data());
      kernels::reference::score_gradient(tile, p.data(), 0.5f, scores.data(), clip_range,
                                         slow.data());
      for (std::size_t i = 0; i < size; ++i) ASSERT_NEAR(fast[i], slow[i], 1e-6f) << i;
    }
  }
}

TEST(AttentionScores, EveryInstructionSetPasses) {
  for (const char* isa : {"generic", "avx2"}) {
    const std::string command = std::string("PARADIGM_ISA=") + isa + " /proc/" +
                                std::to_string(getpid()) +
                                "/exe --gtest_filter=-*EveryInstructionSet* > /dev/null";
    EXPECT_EQ(std::system(command.c_str()), 0) << isa;
  }
}

}  // namespace
