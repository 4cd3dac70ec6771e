// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/launch_service.h"

#include "app/workbench/engine_loader.h"
#include "tests/support/fake_engine.h"
#include "tests/support/scratch_folder.h"
#include "widgets/forms/param_form.h"
#include "widgets/models/run_store.h"
#include "widgets/panels/cost_view.h"
#include "widgets/panels/launch_checks.h"
#include "widgets/panels/launch_panel.h"

#include <QDoubleSpinBox>
#include <QLabel>
#include <QPushButton>
#include <QSettings>
#include <QSignalSpy>
#include <QTest>
#include <QTreeWidget>

#include <gtest/gtest.h>

namespace {

using app::LaunchService;
using widgets::LaunchPanel;
using widgets::LaunchRequest;

template <class Condition>
bool patient(Condition condition) {
  return QTest::qWaitFor(condition, 30000);
}

class LaunchServiceTest : public testing::Test {
 protected:
  void start(tests::FakeRun run = {}) {
    fake_ = std::make_unique<tests::FakeEngine>(std::move(run));
    loader_ = std::make_unique<app::EngineLoader>(
        [this]() -> const engine::EngineApi& { return *fake_; });
    settings_ = std::make_unique<QSettings>(
        QString::fromStdString((scratch_ / "settings.ini").string()), QSettings::IniFormat);
    panel_ = std::make_unique<LaunchPanel>();
    service_ =
        std::make_unique<LaunchService>(panel_.get(), loader_.get(), &runs_, settings_.get());
    panel_->resize(520, 800);
    panel_->show();
    EXPECT_TRUE(QTest::qWaitForWindowExposed(panel_.get()));
    loader_->start();
    EXPECT_TRUE(patient([&] { return loader_->api() != nullptr; }));
    panel_->form()->setValue("model_name_or_path", std::string("tiny"));
    panel_->form()->setValue("train_file", std::string("text.txt"));
    panel_->form()->setValue("max_steps", std::int64_t{40});
  }
  void click(const char* name) {
    auto* button = panel_->findChild<QAbstractButton*>(QLatin1String(name));
    ASSERT_NE(button, nullptr) << name;
    QTest::mouseClick(button, Qt::LeftButton);
  }

  tests::ScratchFolder scratch_;
  widgets::RunStore runs_;
  std::unique_ptr<tests::FakeEngine> fake_;
  std::unique_ptr<app::EngineLoader> loader_;
  std::unique_ptr<QSettings> settings_;
  std::unique_ptr<LaunchPanel> panel_;
  std::unique_ptr<LaunchService> service_;
};

TEST_F(LaunchServiceTest, TheEnginesPreflightHoldsALaunchBack) {
  tests::FakeRun run;
  engine::Problem problem;
  problem.id = "no-device";
  problem.place.file = "--device";
  problem.message = "the device cuda:7 cannot be used";
  run.preflight = {problem};
  start(run);
  QSignalSpy launches(panel_.get(), &LaunchPanel::launchRequested);
  click("launch.launch");
  ASSERT_TRUE(patient([&] { return panel_->launchButton()->isEnabled(); }));
  EXPECT_EQ(launches.size(), 0);
  EXPECT_TRUE(panel_->form()->problemText("device").contains("cuda:7"));
  EXPECT_EQ(panel_->checks()->headline(), QStringLiteral("1 error"));
}

TEST_F(LaunchServiceTest, ALaunchIsRememberedForTheNextStart) {
  start();
  QSignalSpy launches(panel_.get(), &LaunchPanel::launchRequested);
  click("launch.launch");
  ASSERT_TRUE(patient([&] { return launches.size() == 1; }));
  LaunchPanel next;
  LaunchService service(&next, loader_.get(), &runs_, settings_.get());
  EXPECT_TRUE(next.form()->values().empty());
  service.restore();
  EXPECT_TRUE(next.form()->values().same_values(panel_->form()->values()));
}

TEST_F(LaunchServiceTest, AnEstimateIsMadeInTheBackgroundAndCancelledAtOnce) {
  tests::FakeRun run;
  run.estimate_time = std::chrono::minutes(1);
  start(run);
  click("cost.estimate");
  EXPECT_TRUE(panel_->cost()->isRunning());
  ASSERT_TRUE(patient([&] {
    return panel_->findChild<QLabel*>(QStringLiteral("cost.status"))->text() ==
           QStringLiteral("probing steps …");
  }));
  click("cost.estimate");
  EXPECT_FALSE(panel_->cost()->isRunning());
  EXPECT_FALSE(service_->estimator().isRunning());
  EXPECT_FALSE(panel_->cost()->estimate().has_value());
  // A launch ends one that runs: its model would take the memory.
  click("cost.estimate");
  EXPECT_TRUE(service_->estimator().isRunning());
  click("launch.launch");
  ASSERT_TRUE(patient([&] { return !service_->estimator().isRunning(); }));
  EXPECT_FALSE(panel_->cost()->isRunning());
}

TEST_F(LaunchServiceTest, ALimitOfTheMemoryIsFittedByTheEngine) {
  start();
  auto* limit = panel_->findChild<QDoubleSpinBox*>(QStringLiteral("cost.memory_limit"));
  limit->setValue(0.1);  // the fake engine takes 13 MB a sequence: 8 do not fit, 4 do
  click("cost.fit");
  ASSERT_TRUE(patient([&] { return panel_->cost()->estimate().has_value(); }));
  EXPECT_TRUE(panel_->cost()->estimate()->fits);
  EXPECT_EQ(panel_->form()->values().get_int("per_device_train_batch_size"), 4);
  EXPECT_EQ(panel_->form()->values().get_int("gradient_accumulation_steps"), 2);
  EXPECT_TRUE(panel_->request().prediction.has_value());
}

TEST_F(LaunchServiceTest, PredictedAndActualMeetWhenTheRunHasTold) {
  start();
  click("cost.estimate");
  ASSERT_TRUE(patient([&] { return panel_->cost()->estimate().has_value(); }));
  const LaunchRequest request = panel_->request();
  ASSERT_TRUE(request.prediction.has_value());
  EXPECT_DOUBLE_EQ(request.prediction->step_seconds, 0.015);
  const QString folder = QString::fromStdString((scratch_ / "run-a").string());
  click("launch.launch");
  ASSERT_TRUE(patient([&] { return panel_->launchButton()->isEnabled(); }));
  service_->launched(folder);
  service_->setTraining(true);
  EXPECT_FALSE(panel_->findChild<QPushButton*>(QStringLiteral("cost.estimate"))->isEnabled());

  engine::RunUpdate update;
  engine::CostCompared cost;
  cost.predicted_step_seconds = 0.015;
  cost.step_seconds = 0.018;
  update.events.push_back({.time = 1, .body = cost});
  runs_.add(folder);
  runs_.apply(folder, update);
  runs_.publish();
  auto* table = panel_->findChild<QTreeWidget*>(QStringLiteral("cost.table"));
  ASSERT_GT(table->topLevelItemCount(), 0);
  EXPECT_EQ(table->topLevelItem(0)->text(3), QStringLiteral("+20.0 %"));
  service_->setTraining(false);
  EXPECT_TRUE(panel_->findChild<QPushButton*>(QStringLiteral("cost.estimate"))->isEnabled());
}

}  // namespace
