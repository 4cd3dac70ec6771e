// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/statistics/output_error.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>
#include <vector>

namespace {

using namespace engine;

TEST(OutputError, SumsOverDraws) {
  const std::vector<double> exact = {1, -2, 3, NAN};
  OutputErrorSums sums;
  sums.add(exact, std::vector<double>{1, -2, 3, 0});
  sums.add(exact, std::vector<double>{1.5, -2, 2, 0});
  sums.add(exact, std::vector<double>{INFINITY, -2, 3, 0});
  const OutputError error = sums.result();
  EXPECT_EQ(error.count, 8);
  EXPECT_EQ(error.non_finite, 1);
  EXPECT_EQ(error.changed, 3);
  EXPECT_DOUBLE_EQ(error.mean, -0.5 / 8);
  EXPECT_DOUBLE_EQ(error.standard_deviation, std::sqrt(1.25 / 8 - std::pow(0.5 / 8, 2)));
  EXPECT_EQ(error.largest, 1);
  EXPECT_DOUBLE_EQ(error.sqnr_db, 10 * std::log10((14 + 14 + 13) / 1.25));
}

double mean_score(double measured_spread, double simulated_spread, double shift) {
  std::mt19937 generator(1);
  std::normal_distribution<double> normal;
  constexpr std::int64_t kElements = 20'000;
  std::vector<double> measured, simulated;
  for (int i = 0; i < 3 * kElements; ++i) measured.push_back(measured_spread * normal(generator));
  for (int i = 0; i < 4 * kElements; ++i) {
    simulated.push_back(shift + simulated_spread * normal(generator));
  }
  const std::vector<double> scores = ranked_scores(measured, simulated, kElements);
  return std::accumulate(scores.begin(), scores.end(), 0.0) / kElements;
}

TEST(RankedScores, AreLeastForTheTrueDistribution) {
  const double best = mean_score(1, 1, 0);
  EXPECT_NEAR(best, 1 / std::sqrt(M_PI), 0.01);  // of a normal distribution with itself
  for (const double other : {0.0, 0.5, 0.8, 1.3, 2.0}) EXPECT_GT(mean_score(1, other, 0), best);
  EXPECT_GT(mean_score(1, 1, 0.2), best);
  EXPECT_GT(mean_score(1, 1, -0.2), best);
}

TEST(RankedScores, ByHand) {
  // |3-1|, |3-2|, |5-1|, |5-2| on average, less half of |1-2|.
  const auto scores = ranked_scores(std::vector<double>{3, 5}, std::vector<double>{1, 2}, 1);
  EXPECT_DOUBLE_EQ(scores[0], 2.5 - 0.5);
}

}  // namespace
