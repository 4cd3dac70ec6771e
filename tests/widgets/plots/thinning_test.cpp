// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/thinning.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace {

const double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(OnePerColumn, ReachesBeyondTheViewAndDropsNoEnd) {
  std::vector<double> x, y;
  for (int i = 0; i < 100000; ++i) {
    x.push_back(i);
    y.push_back(i % 7);
  }
  const auto points = widgets::one_per_column(x, y, 20000, 40000, 600);
  EXPECT_LE(points.size(), 604u);
  EXPECT_GE(points.size(), 600u);
  EXPECT_LT(points.front().x, 20000 + 34);
  EXPECT_GE(points.back().x, 40000);
}

TEST(OnePerColumn, SkipsWhatIsNotFinite) {
  const std::vector<double> x{1, 2, 3};
  const std::vector<double> y{1, kNan, 3};
  EXPECT_EQ(widgets::one_per_column(x, y, 0, 4, 100).size(), 2u);
  EXPECT_TRUE(widgets::one_per_column({}, {}, 0, 1, 10).empty());
}

TEST(RobustRange, AnOutlierDoesNotSquashTheCurve) {
  std::vector<double> y(1000, 2.0);
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = 2 + 0.001 * double(i);
  y[500] = 1e30;
  y[501] = kNan;
  const auto range = widgets::robust_range(y);
  EXPECT_LT(range.high, 4);
  EXPECT_GT(range.low, 1.5);
}

TEST(RobustRange, TheEdgesOfNoiseAreNoOutliers) {
  std::vector<double> y;
  for (int i = 0; i < 1000; ++i) y.push_back(i % 2);
  y[10] = 1.4;
  y[20] = -0.5;
  const auto range = widgets::robust_range(y);
  EXPECT_GT(range.high, 1.4);
  EXPECT_LT(range.low, -0.5);
}

TEST(RobustRange, AConstantStillHasARange) {
  const std::vector<double> y(10, 3.0);
  const auto range = widgets::robust_range(y);
  EXPECT_LT(range.low, 3);
  EXPECT_GT(range.high, 3);
}

TEST(SettledRange, GrowsAtOnceAndShrinksLate) {
  const widgets::ValueRange current{0, 10};
  EXPECT_EQ(widgets::settle(current, {1, 9}).high, 10);
  EXPECT_EQ(widgets::settle(current, {1, 3}).high, 3);
  EXPECT_GT(widgets::settle(current, {1, 12}).high, 12);
}

}  // namespace
