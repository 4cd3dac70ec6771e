// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/run_log_panel.h"

#include "widgets/models/run_log_filter.h"
#include "widgets/models/run_log_model.h"
#include "widgets/models/selection.h"

#include <QAbstractItemModelTester>
#include <QApplication>
#include <QClipboard>
#include <QComboBox>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QScrollBar>
#include <QTest>
#include <QTreeView>

#include <gtest/gtest.h>

namespace {

const QString kRun = QStringLiteral("/runs/run-a");

class RunLogPanelTest : public testing::Test {
 protected:
  RunLogPanelTest()
      : panel_(&selection_, &runs_),
        tester_(panel_.shown(), QAbstractItemModelTester::FailureReportingMode::Fatal),
        list_(panel_.findChild<QTreeView*>(QStringLiteral("log.list"))) {
    runs_.add(kRun);
    selection_.setRun(kRun);
    panel_.resize(640, 260);
    panel_.show();
    EXPECT_TRUE(QTest::qWaitForWindowExposed(&panel_));
  }
  void tell(engine::RunEventBody body) {
    engine::RunUpdate update;
    update.state = engine::RunState::running;
    update.events = {{1000, std::move(body)}};
    runs_.apply(kRun, update);
    runs_.publish();
  }
  void message(std::int64_t step, const char* level, const std::string& text) {
    tell(engine::RunMessage{.step = step, .level = level, .text = text});
  }
  template <class Widget>
  Widget* part(const char* name) {
    return panel_.findChild<Widget*>(QLatin1String(name));
  }
  QString shown(int row) const {
    return panel_.shown()->index(row, widgets::RunLogModel::kText).data().toString();
  }
  widgets::Selection selection_;
  widgets::RunStore runs_;
  widgets::RunLogPanel panel_;
  QAbstractItemModelTester tester_;
  QTreeView* list_;
};

TEST_F(RunLogPanelTest, FiltersByLevelKindAndWords) {
  message(1, "info", "tokenised the data");
  message(2, "warning", "a checkpoint was passed over");
  message(3, "error", "the disk is full");
  tell(engine::StepLogged{.step = 4, .loss = std::nan("")});
  EXPECT_EQ(panel_.shown()->rowCount(), 4);
  part<QComboBox>("log.kind")->setCurrentIndex(1);
  EXPECT_EQ(panel_.shown()->rowCount(), 3);
  part<QComboBox>("log.kind")->setCurrentIndex(2);
  EXPECT_EQ(shown(0), QStringLiteral("the disk is full"));
  part<QComboBox>("log.kind")->setCurrentIndex(3);
  EXPECT_EQ(panel_.shown()->rowCount(), 3) << "a NaN is a marker on the curve, no event";
  part<QComboBox>("log.kind")->setCurrentIndex(0);
  QTest::keyClicks(part<QLineEdit>("log.search"), QStringLiteral("OVER check"));
  ASSERT_EQ(panel_.shown()->rowCount(), 1);
  EXPECT_EQ(shown(0), QStringLiteral("a checkpoint was passed over"));
}

TEST_F(RunLogPanelTest, FollowsUntilTheUserScrollsUp) {
  for (int i = 0; i < 100; ++i) message(i, "info", "line " + std::to_string(i));
  auto* bar = list_->verticalScrollBar();
  EXPECT_EQ(bar->value(), bar->maximum());
  bar->setValue(bar->maximum() / 2);
  EXPECT_FALSE(panel_.isFollowing());
  const int stays = bar->value();
  message(100, "info", "one more");
  EXPECT_EQ(bar->value(), stays);
  bar->setValue(bar->maximum());
  EXPECT_TRUE(panel_.isFollowing());
}

TEST_F(RunLogPanelTest, TheChosenLineIsShownInFullAndCopied) {
  const std::string text = std::string(3000, 'x') + "\nsecond line";
  message(7, "error", text);
  list_->setCurrentIndex(panel_.shown()->index(0, 0));
  EXPECT_EQ(part<QPlainTextEdit>("log.full")->toPlainText().toStdString(), text);
  QTest::keyClick(list_, Qt::Key_C, Qt::ControlModifier);
  EXPECT_TRUE(QApplication::clipboard()->text().toStdString().ends_with(text));
}

TEST_F(RunLogPanelTest, EnterGoesToTheStepAndTheLayer) {
  tell(engine::DivergenceSeen{
      .step = 42, .kind = "non_finite", .layer = "model.layers.3.mlp", .text = "it went wrong"});
  list_->setCurrentIndex(panel_.shown()->index(0, 0));
  QTest::keyClick(list_, Qt::Key_Return);
  EXPECT_EQ(selection_.cursor()->step(), 42);
  EXPECT_EQ(selection_.layers(), QStringList(QStringLiteral("model.layers.3.mlp")));
}

}  // namespace
