// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/layer_step_plot.h"

#include "widgets/plots/custom_plot.h"
#include "widgets/style/theme.h"

#include <QApplication>
#include <QSignalSpy>
#include <QTest>

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace {

using widgets::LayerStepPlot;

class LayerStepPlotTest : public testing::Test {
 protected:
  LayerStepPlotTest() {
    plot_.resize(700, 300);
    plot_.show();
    EXPECT_TRUE(QTest::qWaitForWindowExposed(&plot_));
  }
  void sample(std::int64_t step, int layers = 20, double shift = 0) {
    engine::LayerStats stats{.step = step};
    for (int i = 0; i < layers; ++i) {
      stats.values.push_back(
          {"model.layers." + std::to_string(i) + ".mlp.up_proj", "sqnr_db", 20 + i + shift});
    }
    series_.append(stats);
  }
  void show() {
    plot_.showSeries(series_, QStringLiteral("sqnr_db"), {});
    QApplication::processEvents();
  }
  QPoint pixel(int column, int row) {
    return {int(plot_.plot()->xAxis->coordToPixel(column)),
            int(plot_.plot()->yAxis->coordToPixel(row))};
  }
  engine::LayerSeries series_;
  LayerStepPlot plot_;
};

TEST_F(LayerStepPlotTest, AClickNamesLayerAndStep) {
  for (int step = 10; step <= 100; step += 10) sample(step);
  show();
  QSignalSpy clicked(&plot_, &LayerStepPlot::cellClicked);
  QTest::mouseClick(plot_.plot(), Qt::LeftButton, {}, pixel(3, 7));
  ASSERT_EQ(clicked.size(), 1);
  EXPECT_EQ(clicked[0][0].toString(), QStringLiteral("model.layers.7.mlp.up_proj"));
  EXPECT_EQ(clicked[0][1].toDouble(), 40);
  QTest::keyClick(plot_.plot(), Qt::Key_Down);
  EXPECT_EQ(clicked[1][0].toString(), QStringLiteral("model.layers.8.mlp.up_proj"));
}

TEST_F(LayerStepPlotTest, BrokenValuesAreMagentaAndMissingOnesEmpty) {
  sample(10);
  series_.append({.step = 20, .values = {{"model.layers.0.mlp.up_proj", "sqnr_db", std::nan("")}}});
  show();
  EXPECT_EQ(plot_.colorAt(0, 1).name(), widgets::is_dark(plot_.palette()) ? "#ff00ff" : "#d100d1");
  EXPECT_EQ(plot_.colorAt(1, 1).alpha(), 0);
  EXPECT_NE(plot_.colorAt(0, 0), plot_.colorAt(19, 0)) << "least and largest differ";
}

TEST_F(LayerStepPlotTest, ALockedScaleStays) {
  sample(10);
  show();
  const auto before = plot_.scale();
  plot_.setScaleLocked(true);
  sample(20, 20, 100);
  show();
  EXPECT_EQ(plot_.scale().high, before.high);
  plot_.setScaleLocked(false);
  EXPECT_GT(plot_.scale().high, before.high);
}

TEST_F(LayerStepPlotTest, RatesOverDecadesGetALogarithmicScale) {
  engine::LayerStats stats{.step = 1};
  for (int i = 0; i < 20; ++i) {
    stats.values.push_back({"layer" + std::to_string(i), "clamp_rate", std::pow(10, -i * 0.3)});
  }
  stats.values.push_back({"layer20", "clamp_rate", 0});
  series_.append(stats);
  plot_.showSeries(series_, QStringLiteral("clamp_rate"), {});
  EXPECT_TRUE(plot_.isLogarithmic());
  EXPECT_EQ(plot_.colorAt(20, 0), plot_.colorAt(19, 0)) << "0 is lifted to the lower end";
}

}  // namespace
