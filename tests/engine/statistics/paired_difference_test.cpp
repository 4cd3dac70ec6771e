// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/statistics/paired_difference.h"

#include "engine/statistics/sample_statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace engine {
namespace {

using Table = std::vector<std::vector<double>>;

/// How often the interval holds the true difference 0.3, with these standard deviations of the
/// effects of text, of a draw, and of the rest.
double coverage(double text, double noise, double rest, int draws, int batches) {
  std::mt19937_64 generator(17);
  std::normal_distribution<double> normal;
  int held = 0;
  constexpr int kTrials = 4000;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<double> of_batch;
    for (int batch = 0; batch < batches; ++batch) of_batch.push_back(text * normal(generator));
    Table table;
    for (int draw = 0; draw < draws; ++draw) {
      const double of_draw = noise * normal(generator);
      auto& row = table.emplace_back();
      for (const double effect : of_batch)
        row.push_back(0.3 + effect + of_draw + rest * normal(generator));
    }
    held += paired_difference(table).contains(0.3) ? 1 : 0;
  }
  return double(held) / kTrials;
}

TEST(PairedDifference, NoDifferenceAnywhereIsExactlyZero) {
  const Estimate zero = paired_difference(Table(3, std::vector<double>(8, 0.0)));
  EXPECT_EQ(zero.value, 0);
  EXPECT_EQ(zero.low, 0);
  EXPECT_EQ(zero.high, 0);
  EXPECT_FALSE(is_distinguishable(zero));
}

TEST(PairedDifference, OneDrawIsStudentsIntervalOverTheBatches) {
  const std::vector<double> values = {0.1, 0.4, 0.2, 0.7, 0.3};
  const SampleStatistics expected = statistics_of(values);
  const Estimate found = paired_difference({values});
  EXPECT_NEAR(found.value, expected.mean, 1e-15);
  EXPECT_NEAR(found.low, expected.low, 1e-12);
  EXPECT_NEAR(found.high, expected.high, 1e-12);
}

TEST(PairedDifference, TheIntervalHoldsTheTruthAsOftenAsItSays) {
  struct Case {
    double text, noise, rest;
    int draws, batches;
  };
  const Case cases[] = {{1, 0, 0, 1, 8}, {1, 0, 0, 3, 8},   {1, 0, 1, 3, 8},     {1, 0, 2, 5, 4},
                        {0, 0, 1, 3, 8}, {0.2, 2, 1, 3, 8}, {0.5, 0.5, 1, 4, 8}, {1, 0.3, 1, 3, 6}};
  for (const Case& one : cases) {
    const double held = coverage(one.text, one.noise, one.rest, one.draws, one.batches);
    EXPECT_GT(held, 0.92) << one.text << " " << one.noise << " " << one.rest;
    EXPECT_LT(held, 0.99) << one.text << " " << one.noise << " " << one.rest;
  }
}

TEST(PairedDifference, WhatAllBatchesShareOfADrawWidensTheInterval) {
  // Two draws that disagree by far more than their batches do.
  const Table table = {{1.00, 1.01, 0.99, 1.00}, {0.20, 0.21, 0.19, 0.20}};
  EXPECT_FALSE(is_distinguishable(paired_difference(table)));
  EXPECT_TRUE(is_distinguishable(paired_difference({table[0]})));
}

TEST(PairedDifference, WhatIsNotKnownIsNotClaimed) {
  const Estimate single = paired_difference({{0.5}});
  EXPECT_EQ(single.value, 0.5);
  EXPECT_TRUE(std::isnan(single.low));
  EXPECT_FALSE(is_distinguishable(single));
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    EXPECT_TRUE(std::isnan(paired_difference({{0.5, bad, 0.1}}).value));
    EXPECT_FALSE(is_distinguishable(paired_difference({{0.5, bad, 0.1}})));
  }
  EXPECT_TRUE(std::isnan(paired_difference({}).value));
}

}  // namespace
}  // namespace engine
