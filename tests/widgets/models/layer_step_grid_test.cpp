// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/layer_step_grid.h"

#include <gtest/gtest.h>

#include <cmath>

namespace {

using widgets::LayerStepGrid;

engine::LayerStats measured(std::int64_t step, double first, double second) {
  return {.step = step, .values = {{"a", "sqnr_db", first}, {"b", "sqnr_db", second}}};
}

TEST(LayerStepGrid, GrowsByColumnsAndSaysWhichAreNew) {
  engine::LayerSeries series;
  LayerStepGrid grid;
  series.append(measured(10, 30, 20));
  EXPECT_EQ(grid.follow(series, "sqnr_db", {}), 0);
  EXPECT_EQ(grid.follow(series, "sqnr_db", {}), -1);
  series.append(measured(20, 31, std::nan("")));
  EXPECT_EQ(grid.follow(series, "sqnr_db", {}), 1);
  ASSERT_EQ(grid.columns(), 2);
  EXPECT_EQ(grid.value(0, 1), 31);
  EXPECT_TRUE(grid.has(1, 1));
  EXPECT_TRUE(std::isnan(grid.value(1, 1)));
  EXPECT_EQ(grid.step(1), 20);
  EXPECT_EQ(grid.columnOf(15), 1);
}

TEST(LayerStepGrid, TakesTheOrderOfTheTreeAndOnlyLayersWithTheStatistic) {
  engine::LayerSeries series;
  series.append(measured(10, 30, 20));
  series.append({.step = 10, .values = {{"c", "clamp_rate", 0.5}}});
  LayerStepGrid grid;
  grid.follow(series, "sqnr_db", {QStringLiteral("c"), QStringLiteral("b")});
  EXPECT_EQ(grid.layers(), QStringList({QStringLiteral("b"), QStringLiteral("a")}));
}

TEST(LayerStepGrid, ALayerThatMissesASampleHasNoValueThere) {
  engine::LayerSeries series;
  series.append(measured(10, 30, 20));
  series.append({.step = 20, .values = {{"a", "sqnr_db", 29}}});
  LayerStepGrid grid;
  grid.follow(series, "sqnr_db", {});
  EXPECT_TRUE(grid.has(0, 1));
  EXPECT_FALSE(grid.has(1, 1));
}

TEST(LayerStepGrid, ColumnsOfSeveralStepsKeepTheWorst) {
  engine::LayerSeries series;
  const int steps = LayerStepGrid::kMostColumns + 10;
  for (int step = 1; step <= steps; ++step) {
    series.append({.step = step,
                   .values = {{"a", "sqnr_db", step == 101 ? -5.0 : 30.0},
                              {"a", "clamp_rate", step == 102 ? 0.9 : 0.1}}});
  }
  LayerStepGrid grid;
  grid.follow(series, "sqnr_db", {});
  EXPECT_LE(grid.columns(), LayerStepGrid::kMostColumns);
  EXPECT_EQ(grid.value(0, grid.columnOf(101)), -5) << "the least decibels";
  grid.follow(series, "clamp_rate", {});
  EXPECT_NEAR(grid.value(0, grid.columnOf(102)), 0.9, 1e-6) << "the largest rate";
}

TEST(LayerStepGrid, AResumeStartsOver) {
  engine::LayerSeries series;
  LayerStepGrid grid;
  series.append(measured(10, 30, 20));
  series.append(measured(20, 31, 21));
  grid.follow(series, "sqnr_db", {});
  series.rewind_to(10);
  EXPECT_EQ(grid.follow(series, "sqnr_db", {}), 0);
  EXPECT_EQ(grid.columns(), 1);
}

}  // namespace
