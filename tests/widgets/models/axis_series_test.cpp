// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/axis_series.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace {

using widgets::AxisSeries;

class AxisSeriesTest : public testing::Test {
 protected:
  void log(double step, double value) {
    source_.append(step, value);
    tokens_.append(step, step * 100);
  }
  engine::RunSeries source_, tokens_;
  AxisSeries placed_;
};

TEST_F(AxisSeriesTest, PlacesEachValueAndGrows) {
  log(10, 3);
  log(20, std::nan(""));
  EXPECT_EQ(placed_.follow(source_, tokens_).x()[1], 2000);
  log(30, 2);
  const auto& series = placed_.follow(source_, tokens_);
  ASSERT_EQ(series.size(), 3u);
  EXPECT_EQ(series.x()[2], 3000);
  EXPECT_TRUE(std::isnan(series.y()[1]));
}

TEST_F(AxisSeriesTest, AStepWithoutAPlaceStandsAtTheOneBefore) {
  log(10, 3);
  source_.append(15, 2.5);
  EXPECT_EQ(placed_.follow(source_, tokens_).x()[1], 1000);
}

TEST_F(AxisSeriesTest, FollowsAResumeThatTakesPointsBack) {
  for (int step = 1; step <= 5; ++step) log(step, step);
  placed_.follow(source_, tokens_);
  source_.rewind_to(3);
  tokens_.rewind_to(3);
  EXPECT_EQ(placed_.follow(source_, tokens_).size(), 3u);
  for (int step = 4; step <= 6; ++step) log(step, -step);
  const auto& series = placed_.follow(source_, tokens_);
  ASSERT_EQ(series.size(), 6u);
  EXPECT_EQ(series.y()[3], -4);
}

TEST(ValueAtOrBefore, NeverLooksAhead) {
  engine::RunSeries series;
  series.append(10, 1);
  series.append(20, 2);
  EXPECT_TRUE(std::isnan(widgets::value_at_or_before(series, 9)));
  EXPECT_EQ(widgets::value_at_or_before(series, 19.5), 1);
  EXPECT_EQ(widgets::value_at_or_before(series, std::numeric_limits<double>::infinity()), 2);
}

}  // namespace
