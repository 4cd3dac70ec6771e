// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/growing_view.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

namespace widgets {
namespace {

constexpr ValueRange kShown{0, 20000};
constexpr std::size_t kColumns = 150;

/// A series that grows by a few or by hundreds of points at a time, noise with gaps and now and
/// then a spike.
class Growth {
 public:
  explicit Growth(unsigned seed) : random_(seed) {}

  void more() {
    const int count = random_() % 8 == 0 ? 400 : static_cast<int>(random_() % 5);
    for (int i = 0; i < count; ++i) {
      x_ += 0.5 + double(random_() % 1000) / 1000;
      double y = 2 + double(random_() % 1000) / 1000;
      if (random_() % 50 == 0) y = std::numeric_limits<double>::quiet_NaN();
      if (random_() % 997 == 0) spikes.push_back({x_, y = 1000 + x_});
      series.append(x_, y);
    }
  }

  engine::RunSeries series;
  std::vector<engine::SeriesPoint> spikes;

 private:
  std::mt19937 random_;
  double x_ = 3;
};

bool same(const std::vector<engine::SeriesPoint>& one,
          const std::vector<engine::SeriesPoint>& other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                    [](const auto& a, const auto& b) { return a.x == b.x && a.y == b.y; });
}

TEST(GrowingView, GrownStepByStepItIsAsLookedAtOnce) {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    Growth growth(seed);
    GrowingView grown;
    for (int turn = 0; turn < 600; ++turn) {
      growth.more();
      const auto& series = growth.series;
      GrowingView fresh;
      const auto& expected = fresh.lastOfColumns(series.x(), series.y(), kShown, kColumns);
      ASSERT_TRUE(same(grown.lastOfColumns(series.x(), series.y(), kShown, kColumns), expected))
          << "seed " << seed << ", turn " << turn << ", " << series.size() << " points";
      ASSERT_TRUE(same(expected,
                       one_per_column(series.x(), series.y(), kShown.low, kShown.high, kColumns)));
    }
    EXPECT_GT(growth.series.x().back(), kShown.high) << "it has left the view";
  }
}

TEST(GrowingView, NoSpikeIsLostAndNoColumnHoldsMoreThanItsExtremes) {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    Growth growth(seed);
    GrowingView grown;
    for (int turn = 0; turn < 600; ++turn) {
      growth.more();
      const auto& points = grown.envelope(growth.series, kShown, kColumns);
      ASSERT_LE(points.size(), 2 * kColumns + 4);
      ASSERT_TRUE(std::is_sorted(points.begin(), points.end(),
                                 [](const auto& a, const auto& b) { return a.x < b.x; }));
      for (const auto& spike : growth.spikes) {
        if (spike.x >= kShown.high) continue;
        // Of two in a column the higher one stands for both.
        const double width = kShown.high / double(kColumns);
        ASSERT_TRUE(std::any_of(points.begin(), points.end(),
                                [&](const auto& point) {
                                  return point.y >= spike.y && std::abs(point.x - spike.x) <= width;
                                }))
            << "seed " << seed << ", turn " << turn << ", spike at " << spike.x;
      }
    }
  }
}

TEST(GrowingView, AnotherViewOrARewoundSeriesIsLookedAtAnew) {
  Growth growth(7);
  while (growth.series.size() < 3000) growth.more();
  auto& series = growth.series;
  GrowingView view;
  const auto look = [&](const ValueRange& shown, std::size_t columns) {
    GrowingView fresh;
    const std::vector<engine::SeriesPoint> expected = fresh.envelope(series, shown, columns);
    return same(view.envelope(series, shown, columns), expected);
  };
  EXPECT_TRUE(look(kShown, kColumns));
  EXPECT_TRUE(look({100, 900}, kColumns));
  EXPECT_TRUE(look({100, 900}, 40));
  series.rewind_to(500);
  EXPECT_TRUE(look({100, 900}, 40));
  series.append(501, 7);
  EXPECT_TRUE(look({100, 900}, 40));
  series.clear();
  EXPECT_TRUE(look({100, 900}, 40));
}

}  // namespace
}  // namespace widgets
