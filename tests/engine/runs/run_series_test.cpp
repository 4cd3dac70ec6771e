// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/run_series.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>

namespace engine {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

/// The same answer without a pyramid.
std::vector<SeriesPoint> slow_envelope(const RunSeries& series, double from, double to,
                                       std::size_t columns) {
  const auto x = series.x();
  const auto y = series.y();
  std::vector<std::size_t> inside;
  std::vector<SeriesPoint> points;
  from = std::max(from, x.front());
  to = std::min(to, x.back());
  std::size_t begin = 0;
  while (begin < x.size() && x[begin] < from) ++begin;
  std::size_t end = begin;
  while (end < x.size() && x[end] <= to) ++end;
  for (std::size_t i = begin; i-- > 0;) {
    if (!std::isfinite(y[i])) continue;
    points.push_back({x[i], y[i]});
    break;
  }
  if (end - begin <= 2 * columns) {
    for (std::size_t i = begin; i < end; ++i) {
      if (std::isfinite(y[i])) points.push_back({x[i], y[i]});
    }
  } else {
    const double width = (to - from) / double(columns);
    std::size_t i = begin;
    for (std::size_t column = 0; column < columns; ++column) {
      std::size_t lowest = end;
      std::size_t highest = end;
      for (; i < end && (column + 1 == columns || x[i] < from + width * double(column + 1)); ++i) {
        if (!std::isfinite(y[i])) continue;
        if (lowest == end || y[i] < y[lowest]) lowest = i;
        if (highest == end || y[i] > y[highest]) highest = i;
      }
      if (lowest == end) continue;
      points.push_back({x[std::min(lowest, highest)], y[std::min(lowest, highest)]});
      if (lowest != highest) {
        points.push_back({x[std::max(lowest, highest)], y[std::max(lowest, highest)]});
      }
    }
  }
  for (std::size_t i = end; i < x.size(); ++i) {
    if (!std::isfinite(y[i])) continue;
    points.push_back({x[i], y[i]});
    break;
  }
  return points;
}

void expect_equal(const std::vector<SeriesPoint>& a, const std::vector<SeriesPoint>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].x, b[i].x) << i;
    ASSERT_EQ(a[i].y, b[i].y) << i;
  }
}

TEST(RunSeries, EnvelopeEqualsTheSlowOneAfterAnyAppendsAndRewinds) {
  const int rounds = std::getenv("PARADIGM_LONG_TESTS") != nullptr ? 2000 : 150;
  std::mt19937 random(11);
  for (int round = 0; round < rounds; ++round) {
    RunSeries series;
    double x = 0;
    const int operations = int(1 + random() % 3000);
    for (int i = 0; i < operations; ++i) {
      x += double(random() % 3);
      const int kind = int(random() % 40);
      series.append(x, kind == 0 ? kNaN : kind == 1 ? kInf : double(random() % 1000) - 500);
      if (random() % 400 == 0) {
        x = double(random() % (std::uint64_t(x) + 1));
        series.rewind_to(x);
      }
    }
    if (series.size() == 0) continue;
    for (int view = 0; view < 5; ++view) {
      double from = double(random() % (std::uint64_t(x) + 2)) - 1;
      double to = from + double(random() % (std::uint64_t(x) + 2));
      if (view == 0) from = -kInf, to = kInf;
      const std::size_t columns = 1 + random() % 300;
      const auto fast = series.envelope(from, to, columns);
      EXPECT_LE(fast.size(), 2 * columns + 2);
      expect_equal(fast, slow_envelope(series, from, to, columns));
    }
  }
}

TEST(RunSeries, OneSpikeAmongAMillionIsSeenAtEveryWidth) {
  RunSeries series;
  for (int i = 0; i < 1000000; ++i) series.append(i, i == 777777 ? 50 : 1);
  for (const std::size_t columns : {1u, 10u, 300u, 1280u}) {
    const auto points = series.envelope(0, 1e6, columns);
    EXPECT_LE(points.size(), 2 * columns + 2);
    EXPECT_EQ(std::count_if(points.begin(), points.end(),
                            [](const SeriesPoint& p) { return p.x == 777777 && p.y == 50; }),
              1);
  }
}

TEST(RunSeries, AZoomBetweenTwoPointsStillDrawsALine) {
  RunSeries series;
  series.append(0, 1);
  series.append(100, 3);
  const auto points = series.envelope(40, 60, 100);
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(points[0].x, 0);
  EXPECT_EQ(points[1].x, 100);
}

TEST(RunSeries, DegenerateViewsAreEmptyOrSmall) {
  RunSeries series;
  EXPECT_TRUE(series.envelope(0, 1, 10).empty());
  series.append(5, 1);
  EXPECT_TRUE(series.envelope(1, 0, 10).empty());
  EXPECT_TRUE(series.envelope(0, 10, 0).empty());
  EXPECT_TRUE(series.envelope(kNaN, 1, 10).empty());
  EXPECT_EQ(series.envelope(0, 10, 1).size(), 1u);
  series.clear();
  EXPECT_EQ(series.size(), 0u);
  EXPECT_TRUE(series.envelope(0, 10, 10).empty());
}

TEST(RunSeries, StepsBackwardsLetTheLastWriterWin) {
  RunSeries series;
  for (int x = 1; x <= 100; ++x) series.append(x, x);
  series.append(1e15, 5);
  series.append(101, 7);
  EXPECT_EQ(series.size(), 101u);
  EXPECT_EQ(series.x().back(), 101);
  series.append(kNaN, 1);
  series.append(kInf, 1);
  EXPECT_EQ(series.size(), 101u);
}

TEST(RunSeries, NonFiniteValuesStandAtTheLastFiniteOne) {
  RunSeries series;
  series.append(1, kNaN);
  series.append(2, 4);
  series.append(3, kInf);
  series.append(4, -kInf);
  series.append(5, 6);
  const auto marks = series.non_finite();
  ASSERT_EQ(marks.size(), 3u);
  EXPECT_EQ(marks[0].y, 4) << "the first finite one, as there is none before";
  EXPECT_EQ(marks[1].x, 3);
  EXPECT_EQ(marks[1].y, 4);
  EXPECT_EQ(marks[2].y, 4);
  series.rewind_to(3);
  EXPECT_EQ(series.non_finite().size(), 2u);
}

TEST(Smoothed, AConstantStaysExactlyConstant) {
  RunSeries series;
  for (int i = 0; i < 5000; ++i) series.append(i * 10, 0.1);
  for (const double value : smoothed(series, 50)) ASSERT_EQ(value, 0.1);
}

TEST(Smoothed, TheWeightHalvesOverOneHalfLife) {
  RunSeries series;
  series.append(0, 0);
  series.append(50, 3);
  EXPECT_DOUBLE_EQ(smoothed(series, 50)[1], 3 / (1 + 0.5));
  RunSeries long_ago;
  for (int i = 0; i <= 5000; ++i) long_ago.append(i, i <= 4000 ? 1 : 0);
  EXPECT_NEAR(smoothed(long_ago, 50)[4050], 0.5, 0.01);
}

TEST(Smoothed, EqualsTheWeightedMeanFromTheDefinition) {
  std::mt19937 random(5);
  RunSeries series;
  double x = 0;
  for (int i = 0; i < 300; ++i) {
    x += double(1 + random() % 20);
    series.append(x, random() % 10 == 0 ? kNaN : double(random() % 100));
  }
  const auto values = smoothed(series, 30);
  for (std::size_t i = 0; i < series.size(); ++i) {
    double sum = 0;
    double weight = 0;
    for (std::size_t j = 0; j <= i; ++j) {
      if (!std::isfinite(series.y()[j])) continue;
      const double w = std::exp2((series.x()[j] - series.x()[i]) / 30);
      sum += w * series.y()[j];
      weight += w;
    }
    if (weight == 0) continue;
    ASSERT_NEAR(values[i], sum / weight, 1e-9) << i;
  }
}

TEST(Smoothed, APrefixIsSmoothedTheSameAndNonFiniteIsSkipped) {
  RunSeries all;
  RunSeries prefix;
  for (int i = 0; i < 200; ++i) {
    const double y = i < 3 || i == 50 ? kNaN : std::sin(i);
    all.append(i, y);
    if (i < 100) prefix.append(i, y);
  }
  const auto a = smoothed(all, 10);
  const auto b = smoothed(prefix, 10);
  EXPECT_TRUE(std::isnan(a[0]));
  EXPECT_EQ(a[50], a[49]);
  for (std::size_t i = 3; i < b.size(); ++i) ASSERT_EQ(a[i], b[i]);
}

}  // namespace
}  // namespace engine
