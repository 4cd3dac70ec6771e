// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/cost_view.h"

#include <QDoubleSpinBox>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QSignalSpy>
#include <QTest>
#include <QTreeWidget>

#include <gtest/gtest.h>

namespace {

using widgets::CostView;

engine::CostEstimate sample() {
  engine::CostEstimate cost;
  cost.device = "cuda:0";
  cost.device_name = "Sample GPU";
  cost.probe_steps = 4;
  cost.max_steps = 7075;
  cost.tokens_per_step = 98304;
  cost.step_seconds = 0.25;
  cost.step_seconds_error = 0.01;
  cost.plain_step_seconds = 0.1;
  cost.slowdown = 2.5;
  cost.rules = {{"model\\.layers\\.[0-9]+\\.self_attn", 12, 0.2, 2.0}, {"default", 36, 0.15, 1.5}};
  cost.total_seconds = 1800;
  cost.total_seconds_error = 90;
  cost.peak_bytes = 5'000'000'000;
  cost.peak_bytes_error = 250'000'000;
  cost.available_bytes = 80'000'000'000;
  cost.checkpoint_bytes = 700'000'000;
  cost.kept_checkpoints = 3;
  cost.disk_bytes = 2'300'000'000;
  cost.free_disk_bytes = 100'000'000'000;
  return cost;
}

class CostViewTest : public testing::Test {
 protected:
  CostViewTest() {
    view_.resize(560, 400);
    view_.show();
    EXPECT_TRUE(QTest::qWaitForWindowExposed(&view_));
    table_ = view_.findChild<QTreeWidget*>(QStringLiteral("cost.table"));
    button_ = view_.findChild<QPushButton*>(QStringLiteral("cost.estimate"));
    status_ = view_.findChild<QLabel*>(QStringLiteral("cost.status"));
  }
  QString cell(const QString& name, int column) {
    for (int row = 0; row < table_->topLevelItemCount(); ++row) {
      if (table_->topLevelItem(row)->text(0).trimmed() == name)
        return table_->topLevelItem(row)->text(column);
    }
    return QStringLiteral("no row");
  }

  CostView view_;
  QTreeWidget* table_ = nullptr;
  QPushButton* button_ = nullptr;
  QLabel* status_ = nullptr;
};

TEST_F(CostViewTest, EachNumberHasItsIntervalAndItsSource) {
  EXPECT_FALSE(table_->isVisible());
  view_.showEstimate(sample());
  EXPECT_EQ(cell("One step", 1), QStringLiteral("250.0 ms  (240.0 ms … 260.0 ms)"));
  EXPECT_EQ(cell("One step", 2), QStringLiteral("4 probe steps, cuda:0 (Sample GPU)"));
  EXPECT_EQ(cell("Slowdown", 1), QStringLiteral("2.50 × the plain step of 100.0 ms"));
  EXPECT_EQ(cell("default", 1), QStringLiteral("1.50 ×, 36 layers"));
  EXPECT_EQ(cell("In all", 1), QStringLiteral("30 min 0 s  (28 min 30 s … 31 min 30 s)"));
  EXPECT_TRUE(cell("Peak memory", 1).contains(QStringLiteral("±")));
  for (int row = 0; row < table_->topLevelItemCount(); ++row) {
    EXPECT_FALSE(table_->topLevelItem(row)->text(2).isEmpty())
        << table_->topLevelItem(row)->text(0).toStdString();
  }
}

TEST_F(CostViewTest, OneButtonStartsAndCancels) {
  QSignalSpy started(&view_, &CostView::estimateRequested);
  QSignalSpy cancelled(&view_, &CostView::cancelRequested);
  QTest::mouseClick(button_, Qt::LeftButton);
  EXPECT_EQ(started.size(), 1);
  view_.showProgress(QStringLiteral("probing steps"), 0.5);
  EXPECT_TRUE(view_.findChild<QProgressBar*>()->isVisible());
  EXPECT_TRUE(status_->text().contains(QStringLiteral("probing steps")));
  QTest::mouseClick(button_, Qt::LeftButton);
  EXPECT_EQ(cancelled.size(), 1);
  view_.stopProgress();
  EXPECT_FALSE(view_.findChild<QProgressBar*>()->isVisible());
  view_.setBlocked(QStringLiteral("The engine is still loading."));
  EXPECT_FALSE(button_->isEnabled());
  EXPECT_EQ(status_->text(), QStringLiteral("The engine is still loading."));
}

TEST_F(CostViewTest, AFailureAndAStaleEstimateAreSaid) {
  engine::Problem problem;
  problem.message = "not one step fits";
  problem.remedy = "Choose a smaller model";
  view_.showProblem(problem);
  EXPECT_EQ(status_->text(), QStringLiteral("not one step fits. Choose a smaller model"));
  view_.showEstimate(sample());
  EXPECT_TRUE(status_->text().isEmpty());
  view_.setStale(true);
  EXPECT_TRUE(status_->text().contains(QStringLiteral("other settings")));
  auto cost = sample();
  cost.fits = false;
  view_.showEstimate(cost);
  EXPECT_TRUE(status_->text().contains(QStringLiteral("not even one sequence")));
  cost.batch_size = 8;
  view_.showEstimate(cost);
  EXPECT_TRUE(status_->text().contains(QStringLiteral("a smaller micro-batch may")));
}

TEST_F(CostViewTest, TheMemoryLimitIsInBytesAndFreeMemoryByDefault) {
  auto* limit = view_.findChild<QDoubleSpinBox*>(QStringLiteral("cost.memory_limit"));
  EXPECT_EQ(view_.memoryLimit(), 0);
  EXPECT_EQ(limit->text(), QStringLiteral("all that is free"));
  limit->setValue(8.5);
  EXPECT_EQ(view_.memoryLimit(), 8'500'000'000);
  QSignalSpy fits(&view_, &CostView::fitRequested);
  QTest::mouseClick(view_.findChild<QPushButton*>(QStringLiteral("cost.fit")), Qt::LeftButton);
  EXPECT_EQ(fits.size(), 1);
  view_.showProgress(QStringLiteral("memory"), -1);
  EXPECT_FALSE(limit->isEnabled());
}

TEST_F(CostViewTest, PredictedAndActualStandSideBySide) {
  engine::CostCompared cost;
  cost.predicted_step_seconds = 0.2;
  cost.predicted_seconds = 20;
  cost.predicted_peak_bytes = 1'000'000'000;
  cost.predicted_checkpoint_bytes = 500'000'000;
  cost.step_seconds = cost.seconds = -1;
  cost.peak_bytes = cost.checkpoint_bytes = -1;
  view_.showOutcome(QStringLiteral("run-a"), cost);
  EXPECT_EQ(cell("In all", 2), QStringLiteral("–"));
  EXPECT_TRUE(status_->text().contains(QStringLiteral("when it ends")));
  cost.step_seconds = 0.25;
  cost.seconds = 18;
  cost.peak_bytes = 1'000'000'000;
  cost.checkpoint_bytes = 500'000'000;
  view_.showOutcome(QStringLiteral("run-a"), cost);
  EXPECT_EQ(cell("One step", 1), QStringLiteral("200.0 ms"));
  EXPECT_EQ(cell("One step", 2), QStringLiteral("250.0 ms"));
  EXPECT_EQ(cell("One step", 3), QStringLiteral("+25.0 %"));
  EXPECT_EQ(cell("In all", 3), QStringLiteral("−10.0 %"));
  EXPECT_EQ(cell("Checkpoint", 3), QStringLiteral("+0.0 %"));
}

}  // namespace
