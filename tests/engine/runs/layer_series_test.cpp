// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/layer_series.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

LayerStats stats(std::int64_t step, double rate) {
  return {step, {{"b", "clamp_rate", rate}, {"b", "out_hi", 1}, {"a", "clamp_rate", rate / 2}}};
}

TEST(LayerSeries, HoldsACurveForEachLayerAndStatistic) {
  LayerSeries series;
  EXPECT_TRUE(series.empty());
  series.append(stats(50, 0.5));
  series.append(stats(100, 0.25));
  EXPECT_EQ(series.layers(), (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(series.statistics(), (std::vector<std::string>{"clamp_rate", "out_hi"}));
  const RunSeries* curve = series.find("a", "clamp_rate");
  ASSERT_NE(curve, nullptr);
  ASSERT_EQ(curve->size(), 2u);
  EXPECT_EQ(curve->x()[1], 100);
  EXPECT_EQ(curve->y()[1], 0.125);
  EXPECT_EQ(series.find("a", "out_hi"), nullptr);
}

TEST(LayerSeries, AResumeDropsWhatItSupersedes) {
  LayerSeries series;
  series.append(stats(50, 0.5));
  series.append(stats(100, 0.25));
  series.rewind_to(70);
  EXPECT_EQ(series.find("b", "clamp_rate")->size(), 1u);
  series.append(stats(100, 0.75));
  EXPECT_EQ(series.find("b", "clamp_rate")->y()[1], 0.75);
  series.clear();
  EXPECT_TRUE(series.empty());
  EXPECT_EQ(series.find("b", "clamp_rate"), nullptr);
}

}  // namespace
}  // namespace engine
