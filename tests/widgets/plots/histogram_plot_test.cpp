// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/histogram_plot.h"

#include "tests/widgets/sample_plan.h"

#include <QSignalSpy>
#include <QTest>

#include <gtest/gtest.h>

namespace {

using widgets::HistogramPlot;

class HistogramPlotTest : public testing::Test {
 protected:
  HistogramPlotTest() : clicks_(&plot_, &HistogramPlot::layersClicked) {
    plot_.setData(widgets::planned_histogram(*tests::sample_view()));
    plot_.resize(700, plot_.minimumSizeHint().height());
    plot_.show();
    EXPECT_TRUE(QTest::qWaitForWindowExposed(&plot_));
  }
  QStringList last() { return clicks_.last().first().toStringList(); }
  HistogramPlot plot_;
  QSignalSpy clicks_;
};

TEST_F(HistogramPlotTest, ClickingABarSelectsExactlyItsLayers) {
  QTest::mouseClick(&plot_, Qt::LeftButton, {}, plot_.barRect(1).center());
  ASSERT_EQ(clicks_.size(), 1);
  EXPECT_EQ(last(), plot_.data().bars[1].layers);
  EXPECT_EQ(last().size(), 8);
}

TEST_F(HistogramPlotTest, ControlAddsAndTheKeyboardChooses) {
  plot_.setSelectedLayers({QStringLiteral("lm_head")});
  QTest::mouseClick(&plot_, Qt::LeftButton, Qt::ControlModifier, plot_.barRect(0).center());
  EXPECT_EQ(last().size(), 5);
  plot_.setFocus();
  QTest::keyClick(&plot_, Qt::Key_Down);
  QTest::keyClick(&plot_, Qt::Key_Space);
  EXPECT_EQ(last(), plot_.data().bars[1].layers);
}

TEST_F(HistogramPlotTest, BarsAreAsLongAsTheirCounts) {
  const QImage picture = plot_.grab().toImage();
  const auto coloured = [&](int bar) {
    const int y = plot_.barRect(bar).center().y();
    int pixels = 0;
    for (int x = 0; x < picture.width(); ++x) {
      const QColor color = picture.pixelColor(x, y);
      pixels += color.saturation() > 90 && color.value() > 60;
    }
    return pixels;
  };
  EXPECT_NEAR(double(coloured(3)) / coloured(1), 20.0 / 8.0, 0.2);
  EXPECT_EQ(coloured(2), 0);
}

TEST_F(HistogramPlotTest, SaysItAllToAScreenReader) {
  EXPECT_TRUE(plot_.accessibleDescription().contains(QStringLiteral("default")));
  EXPECT_TRUE(plot_.accessibleDescription().contains(QStringLiteral("20")));
}

}  // namespace
