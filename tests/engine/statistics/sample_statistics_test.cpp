// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/statistics/sample_statistics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace engine {
namespace {

TEST(SampleStatistics, MeanDeviationAndInterval) {
  const SampleStatistics s = statistics_of({2, 4, 4, 4, 5, 5, 7, 9});
  EXPECT_EQ(s.count, 8);
  EXPECT_DOUBLE_EQ(s.mean, 5);
  EXPECT_NEAR(s.deviation, std::sqrt(32.0 / 7), 1e-12);
  const double half = 2.364624 * s.deviation / std::sqrt(8.0);
  EXPECT_NEAR(s.low, 5 - half, 1e-5);
  EXPECT_NEAR(s.high, 5 + half, 1e-5);
  const SampleStatistics two = statistics_of({-1, 1});
  EXPECT_NEAR(two.high, 12.7062047 * std::sqrt(2.0) / std::sqrt(2.0), 1e-6);
}

TEST(SampleStatistics, OneValueHasNoSpread) {
  const SampleStatistics s = statistics_of({3});
  EXPECT_EQ(s.count, 1);
  EXPECT_EQ(s.mean, 3);
  EXPECT_TRUE(std::isnan(s.deviation));
  EXPECT_TRUE(std::isnan(s.low));
  EXPECT_TRUE(std::isnan(statistics_of({}).mean));
}

TEST(SampleStatistics, EqualValuesHaveNoneLeft) {
  const SampleStatistics s = statistics_of({3, 3, 3});
  EXPECT_EQ(s.deviation, 0);
  EXPECT_EQ(s.low, 3);
  EXPECT_EQ(s.high, 3);
}

TEST(Median, IsTheMiddle) {
  EXPECT_EQ(median_of({3, 1, 2}), 2);
  EXPECT_EQ(median_of({4, 1, 3, 2}), 2.5);
  EXPECT_TRUE(std::isnan(median_of({})));
}

}  // namespace
}  // namespace engine
