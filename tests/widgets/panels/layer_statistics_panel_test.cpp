// SPDX-License-Identifier: GPL-3.0-or-later
// PARADIGM_SCREENSHOTS=DIR keeps a picture in each theme.
#include "widgets/panels/layer_statistics_panel.h"

#include "widgets/models/layer_statistics_model.h"
#include "widgets/models/selection.h"
#include "widgets/panels/empty_state.h"
#include "widgets/style/theme.h"

#include <QAbstractItemModelTester>
#include <QApplication>
#include <QHeaderView>
#include <QLabel>
#include <QTest>
#include <QTreeView>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

namespace {

using widgets::LayerStatisticsModel;

const QString kRun = QStringLiteral("/runs/run-a");
const std::string kFirst = "model.layers.0.self_attn.q_proj";
const std::string kSecond = "model.layers.0.mlp.down_proj";
const std::string kThird = "model.layers.1.self_attn";

engine::RunEvent measured(std::int64_t step, std::vector<engine::LayerStat> values) {
  return {double(step), engine::LayerStats{.step = step, .values = std::move(values)}};
}

class LayerStatisticsPanelTest : public testing::Test {
 protected:
  LayerStatisticsPanelTest()
      : panel_(&selection_, &runs_),
        tester_(panel_.model(), QAbstractItemModelTester::FailureReportingMode::Fatal),
        list_(panel_.findChild<QTreeView*>(QStringLiteral("layer_statistics.list"))) {
    runs_.add(kRun);
    panel_.showTable();
    panel_.resize(720, 220);
    panel_.show();
    EXPECT_TRUE(QTest::qWaitForWindowExposed(&panel_));
  }
  void tell(engine::RunEvent event) {
    engine::RunUpdate update;
    update.state = engine::RunState::running;
    update.events = {std::move(event)};
    runs_.apply(kRun, update);
    runs_.publish();
  }
  void tellAll() {
    tell(measured(10, {{kFirst, "sqnr_db", 31.5},
                       {kFirst, "clamp_rate", 0.000125},
                       {kSecond, "sqnr_db", 24.25},
                       {kSecond, "clamp_rate", std::nan("")},
                       {kThird, "probabilities_hi", 1}}));
  }
  QString shown(int row, int column) const {
    return list_->model()->index(row, column).data().toString();
  }
  QString column(int column) const {
    QStringList texts;
    for (int row = 0; row < list_->model()->rowCount(); ++row) texts << shown(row, column);
    return texts.join(QLatin1Char('|'));
  }
  void clickHeader(int section) {
    auto* header = list_->header();
    const int x = header->sectionViewportPosition(section) + header->sectionSize(section) / 2;
    QTest::mouseClick(header->viewport(), Qt::LeftButton, {}, QPoint(x, header->height() / 2));
  }
  bool isEmpty() const { return panel_.findChild<widgets::EmptyState*>()->isEmpty(); }

  widgets::Selection selection_;
  widgets::RunStore runs_;
  widgets::LayerStatisticsPanel panel_;
  QAbstractItemModelTester tester_;
  QTreeView* list_;
};

TEST_F(LayerStatisticsPanelTest, ShowsTheNewestValuesOfTheSelectedRun) {
  EXPECT_TRUE(isEmpty());
  tellAll();
  EXPECT_TRUE(isEmpty()) << "another run is selected: none";
  selection_.setRun(kRun);
  EXPECT_FALSE(isEmpty());
  EXPECT_EQ(column(0),
            "model.layers.0.self_attn.q_proj|model.layers.0.mlp.down_proj|"
            "model.layers.1.self_attn");
  EXPECT_EQ(column(1), "31.5|24.25|");
  EXPECT_EQ(column(2), "0.000125|NaN|");
  EXPECT_EQ(column(3), "||1");
  EXPECT_EQ(list_->header()->model()->headerData(2, Qt::Horizontal).toString(), "clamp_rate");

  tell(measured(1200, {{kSecond, "sqnr_db", 12}}));
  EXPECT_EQ(column(1), "31.5|12|");
  EXPECT_EQ(panel_.findChild<QLabel*>(QStringLiteral("layer_statistics.caption"))->text(),
            "Measured at step 1,200");
  selection_.setRun({});
  EXPECT_TRUE(isEmpty());
}

TEST_F(LayerStatisticsPanelTest, AHeaderSortsByNumberAndTheFirstOneByPlaceInTheModel) {
  selection_.setRun(kRun);
  tellAll();
  tell(measured(20, {{kFirst, "sqnr_db", 5}, {kThird, "sqnr_db", 100}}));
  clickHeader(1);
  EXPECT_EQ(column(1), "5|24.25|100") << "not as text";
  clickHeader(1);
  EXPECT_EQ(column(1), "100|24.25|5");
  clickHeader(2);
  EXPECT_EQ(shown(2, 2), "0.000125");
  clickHeader(0);
  EXPECT_EQ(shown(0, 0), "model.layers.0.self_attn.q_proj");
  EXPECT_EQ(shown(1, 0), "model.layers.0.mlp.down_proj");
}

TEST_F(LayerStatisticsPanelTest, ALayerIsSelectedHereAndThere) {
  selection_.setRun(kRun);
  tellAll();
  QTest::mouseClick(list_->viewport(), Qt::LeftButton, {},
                    list_->visualRect(list_->model()->index(1, 0)).center());
  EXPECT_EQ(selection_.layers(), QStringList(QString::fromStdString(kSecond)));
  tell(measured(20, {{kFirst, "sqnr_db", 5}}));
  EXPECT_EQ(list_->selectionModel()->selectedRows().size(), 1) << "new values keep it";
  selection_.setLayers({QString::fromStdString(kThird), QStringLiteral("lm_head")});
  ASSERT_EQ(list_->selectionModel()->selectedRows().size(), 1);
  EXPECT_EQ(list_->selectionModel()->selectedRows().first().row(), 2);
  EXPECT_EQ(selection_.layers().size(), 2) << "showing a selection does not change it";
}

TEST_F(LayerStatisticsPanelTest, ReadsWhatItMissedWhileHidden) {
  selection_.setRun(kRun);
  panel_.hide();
  tellAll();
  panel_.show();
  EXPECT_EQ(column(1), "31.5|24.25|");
}

TEST_F(LayerStatisticsPanelTest, IsDrawnInBothThemes) {
  selection_.setRun(kRun);
  tellAll();
  for (const auto& [theme, name] :
       {std::pair{widgets::Theme::light, "light"}, std::pair{widgets::Theme::dark, "dark"}}) {
    widgets::apply_theme(*qApp, theme);
    QTest::qWait(30);
    const QImage image = panel_.grab().toImage();
    EXPECT_EQ(image.pixelColor(image.width() / 2, image.height() - 5).lightness() > 128,
              theme == widgets::Theme::light);
    if (const char* folder = std::getenv("PARADIGM_SCREENSHOTS")) {
      image.save(QStringLiteral("%1/layer_statistics_%2.png")
                     .arg(QLatin1String(folder), QLatin1String(name)));
    }
  }
}

}  // namespace
