// SPDX-License-Identifier: GPL-3.0-or-later
// The three charts of a comparison that are not curves.
#include "widgets/plots/custom_plot.h"
#include "widgets/plots/difference_plot.h"
#include "widgets/plots/layer_difference_plot.h"
#include "widgets/plots/layer_heat_plot.h"
#include "widgets/plots/trade_off_plot.h"

#include <QCoreApplication>
#include <QSignalSpy>
#include <QTest>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace {

using widgets::LayerPair;

engine::CurveDifference difference_from(double shift_at) {
  engine::RunMetrics a, b;
  std::vector<double> steps, one, two;
  for (int i = 0; i < 100; ++i) {
    steps.push_back(i);
    one.push_back(2);
    two.push_back(2 + 0.01 * (i % 3) + (i >= shift_at ? 0.5 : 0));
  }
  two[50] = std::numeric_limits<double>::quiet_NaN();
  a.add("loss", steps, one);
  b.add("loss", steps, two);
  return engine::curve_difference(*a.find("loss"), {}, *b.find("loss"), {});
}

int items_with(QCustomPlot* plot, const char* type) {
  int count = 0;
  for (int i = 0; i < plot->itemCount(); ++i) count += plot->item(i)->inherits(type) ? 1 : 0;
  return count;
}

TEST(DifferencePlot, ShowsBandGapsAndWhereItIsLeft) {
  widgets::DifferencePlot plot;
  plot.resize(600, 300);
  plot.show();
  const auto series = widgets::difference_series(difference_from(60), true);
  plot.setDifferences({{QStringLiteral("a"), 1, &series}});
  EXPECT_EQ(items_with(plot.plot(), "QCPItemRect"), 2) << "the band and the stretch of NaN";
  EXPECT_EQ(items_with(plot.plot(), "QCPItemStraightLine"), 2) << "zero, and where it is left";
  EXPECT_GT(plot.plot()->yAxis->range().upper, 0.4);
  EXPECT_TRUE(
      plot.plot()->accessibleDescription().contains(QStringLiteral("leaves the noise band")));
  plot.setDifferences({});
  EXPECT_EQ(plot.plot()->graphCount(), 0);
}

TEST(DifferencePlot, HatchesOnlyWhatNoCurveCovers) {
  widgets::DifferencePlot plot;
  plot.resize(600, 300);
  plot.show();
  auto early = widgets::difference_series(difference_from(60), false);
  auto late = early;
  early.gaps = {{0, 20, engine::GapReason::only_base}, {80, 99, engine::GapReason::only_base}};
  late.gaps = {{10, 30, engine::GapReason::only_base}};
  plot.setDifferences({{QStringLiteral("a"), 1, &early}, {QStringLiteral("b"), 2, &late}});
  EXPECT_EQ(items_with(plot.plot(), "QCPItemRect"), 2) << "the band, and 10 to 20";
  EXPECT_EQ(plot.plot()->graphCount(), 2 * 3) << "raw, mean and glyph of each";
  for (int i = 2; i < 6; i += 3)
    EXPECT_EQ(plot.plot()->graph(i)->dataCount(), 1) << "the glyph is at the end of the line";
}

TEST(DifferencePlot, ItsCursorTellsEveryDifferenceAndIsLinked) {
  widgets::DifferencePlot plot;
  plot.resize(600, 300);
  plot.show();
  plot.setTitles(QStringLiteral("step"), QStringLiteral("Δ loss"), true);
  const auto series = widgets::difference_series(difference_from(60), true);
  plot.setDifferences({{QStringLiteral("a"), 1, &series}});
  plot.setXRange(0, 100);
  plot.plot()->replot();
  QSignalSpy spy(&plot, &widgets::DifferencePlot::cursorMoved);
  const QPoint at(int(plot.plot()->xAxis->coordToPixel(70.3)),
                  plot.plot()->axisRect()->center().y());
  QTest::mouseMove(plot.plot(), at);
  ASSERT_TRUE(QTest::qWaitFor([&] { return spy.count() > 0; }, 5000));
  EXPECT_EQ(spy.back()[0].toDouble(), 70) << "the step that was compared, nearest to the pointer";
  EXPECT_TRUE(plot.cursorText().contains(QStringLiteral("+0.51")))
      << plot.cursorText().toStdString();
  plot.setCursor(10);
  EXPECT_TRUE(plot.cursorText().contains(QStringLiteral("step 10")));
  plot.setCursor(std::nan(""));
  EXPECT_FALSE(plot.cursorText().contains(QStringLiteral("step")));
}

TEST(LayerDifferencePlot, LargestDifferencesComeFirst) {
  widgets::LayerDifferencePlot plot;
  plot.resize(600, 400);
  plot.show();
  std::vector<LayerPair> pairs;
  for (int i = 0; i < 60; ++i)
    pairs.push_back({QStringLiteral("model.layers.%1.mlp.up_proj").arg(i), 1.0, 1.0 + 0.1 * i});
  pairs.push_back({QStringLiteral("lm_head"), 1.0, std::nan("")});
  plot.setLayers(pairs, QStringLiteral("sqnr_db"), QStringLiteral("a"), QStringLiteral("b"), 0);
  EXPECT_EQ(plot.shownLayers(), 40);
  EXPECT_TRUE(plot.plot()->xAxis->label().contains(QStringLiteral("40 largest differences of 60")));
  QSignalSpy spy(&plot, &widgets::LayerDifferencePlot::layerClicked);
  plot.plot()->replot();
  const QPoint first(plot.plot()->axisRect()->center().x(),
                     int(plot.plot()->yAxis->coordToPixel(0)));
  QTest::mouseClick(plot.plot(), Qt::LeftButton, {}, first);
  ASSERT_EQ(spy.count(), 1);
  EXPECT_EQ(spy[0][0].toString(), QStringLiteral("model.layers.59.mlp.up_proj"));
}

TEST(LayerHeatPlot, HasOneCellForEachLayerOfABlock) {
  widgets::LayerHeatPlot plot;
  plot.resize(400, 400);
  plot.show();
  plot.setLayers({{QStringLiteral("model.layers.0.mlp.up_proj"), 1, 3},
                  {QStringLiteral("model.layers.2.mlp.up_proj"), 1, 0},
                  {QStringLiteral("model.layers.2.self_attn"), 5, 4},
                  {QStringLiteral("lm_head"), 1, 9}},
                 QStringLiteral("sqnr_db"));
  EXPECT_EQ(plot.rows(), 3);
  EXPECT_EQ(plot.kinds(),
            (QStringList{QStringLiteral("mlp.up_proj"), QStringLiteral("self_attn")}));
  EXPECT_EQ(plot.value(0, QStringLiteral("mlp.up_proj")), 2);
  EXPECT_EQ(plot.value(2, QStringLiteral("self_attn")), -1);
  EXPECT_TRUE(std::isnan(plot.value(0, QStringLiteral("self_attn"))));
  plot.setLayers({}, QString());
  EXPECT_FALSE(plot.isVisibleTo(nullptr));
}

TEST(LayerHeatPlot, ASingleKindFillsTheWidth) {
  widgets::LayerHeatPlot plot;
  plot.resize(400, 400);
  plot.show();
  plot.setLayers({{QStringLiteral("model.layers.0.self_attn"), 1, 3},
                  {QStringLiteral("model.layers.1.self_attn"), 1, 0}},
                 QStringLiteral("sqnr_db"));
  plot.plot()->replot();
  const QImage image = plot.plot()->toPixmap().toImage();
  const int y = int(plot.plot()->yAxis->coordToPixel(0));
  const auto at = [&](double x) {
    return image.pixel(int(plot.plot()->xAxis->coordToPixel(x)), y);
  };
  EXPECT_EQ(at(-0.4), at(0.4));
}

TEST(TradeOffPlot, LabelsLieOnNoOther) {
  widgets::TradeOffPlot plot;
  plot.resize(600, 400);
  plot.show();
  plot.setMarks({{QStringLiteral("a long label"), 0, true, {0, 1, 3}},
                 {QStringLiteral("at the same place"), 1, false, {1, 1, 3}},
                 {QStringLiteral("a long label at the right"), 2, false, {2, 3, 2.5}}},
                QStringLiteral("cost"), QStringLiteral("loss"));
  plot.plot()->replot();
  int visible = 0;
  for (int i = 0; i < plot.plot()->itemCount(); ++i) {
    const auto* label = qobject_cast<QCPItemText*>(plot.plot()->item(i));
    if (label == nullptr || !label->visible()) continue;
    ++visible;
    EXPECT_LE(label->right->pixelPosition().x(), plot.plot()->width());
  }
  EXPECT_EQ(visible, 2);
}

TEST(TradeOffPlot, ClickNamesTheRunAndTheFrontIsDrawn) {
  widgets::TradeOffPlot plot;
  plot.resize(600, 400);
  plot.show();
  plot.setMarks({{QStringLiteral("a"), 0, true, {0, 1, 3}},
                 {QStringLiteral("b"), 1, false, {1, 2, 2}},
                 {QStringLiteral("c"), 2, false, {2, 3, 2.5}}},
                QStringLiteral("cost"), QStringLiteral("loss"));
  EXPECT_EQ(plot.plot()->graph(0)->dataCount(), 2) << "c is beaten by b";
  plot.plot()->replot();
  QSignalSpy spy(&plot, &widgets::TradeOffPlot::runClicked);
  const QPoint at(int(plot.plot()->xAxis->coordToPixel(3)),
                  int(plot.plot()->yAxis->coordToPixel(2.5)));
  QTest::mouseClick(plot.plot(), Qt::LeftButton, {}, at);
  ASSERT_EQ(spy.count(), 1);
  EXPECT_EQ(spy[0][0].toInt(), 2);
  plot.setLogarithmicCost(true);
  EXPECT_EQ(plot.plot()->xAxis->scaleType(), QCPAxis::stLogarithmic);
}

}  // namespace
