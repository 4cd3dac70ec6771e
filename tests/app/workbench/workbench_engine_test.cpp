// SPDX-License-Identifier: GPL-3.0-or-later
// The window with the true engine: a tiny checkpoint, transformed, trained for a few steps and
// stopped.
#include "app/workbench/edit_workspace.h"
#include "engine/config/run_values.h"
#include "engine/runs/run_catalog.h"
#include "tests/app/workbench/true_window.h"
#include "widgets/forms/param_form.h"
#include "widgets/panels/cost_view.h"
#include "widgets/panels/histogram_panel.h"
#include "widgets/panels/launch_panel.h"
#include "widgets/panels/message_bar.h"
#include "widgets/panels/run_monitor_panel.h"
#include "widgets/plots/curve_plot.h"
#include "widgets/plots/histogram_plot.h"

#include <QDoubleSpinBox>
#include <QElapsedTimer>
#include <QLabel>
#include <QLocale>
#include <QSignalSpy>
#include <QTimer>

#include <gtest/gtest.h>

#include <cstdio>
#include <vector>

namespace {

class WorkbenchWithTheEngine : public tests::TrueWindow {
 protected:
  /// The launch panel in front, its form asking for a plain run of the tiny checkpoint on the CPU.
  void openLaunchForm(std::int64_t batch, std::int64_t steps) {
    open();
    waitForEngine();
    workbench_->openPaths({path("tiny")});
    ASSERT_TRUE(patient([&] { return workbench_->isSettled(); }));
    auto* form = workbench_->run()->launchPanel()->form();
    form->setValue("transform_config", std::string("none"));
    form->setValue("train_file", (folder_ / "text.txt").string());
    form->setValue("output_dir", (folder_ / "run").string());
    form->setValue("block_size", std::int64_t{32});
    form->setValue("per_device_train_batch_size", batch);
    form->setValue("max_steps", steps);
    form->setValue("device", std::string("cpu"));
    workbench_->window()->setWorkspace(app::Workspace::run);
    workbench_->window()->raisePanel(QStringLiteral("launch"));
  }
};

TEST_F(WorkbenchWithTheEngine, TrainsATransformedCheckpointInItsBackground) {
  // A heartbeat of the GUI thread, through the loading of LibTorch and the training.
  QTimer heartbeat;
  QElapsedTimer since;
  qint64 longest = 0;
  QObject::connect(&heartbeat, &QTimer::timeout,
                   [&] { longest = std::max(longest, since.restart()); });
  since.start();
  heartbeat.start(5);
  open();
  waitForEngine();
  const qint64 while_loading = std::exchange(longest, 0);

  workbench_->openPaths({path("tiny"), path("rules.yaml")});
  ASSERT_TRUE(
      patient([&] { return workbench_->isSettled() && workbench_->edit()->view()->has_plan(); }));
  auto* form = workbench_->run()->launchPanel()->form();
  form->setValue("train_file", (folder_ / "text.txt").string());
  form->setValue("output_dir", (folder_ / "run").string());
  form->setValue("block_size", std::int64_t{32});
  form->setValue("per_device_train_batch_size", std::int64_t{2});
  form->setValue("max_steps", std::int64_t{100000});
  form->setValue("logging_steps", std::int64_t{1});
  form->setValue("device", std::string("cpu"));
  workbench_->window()->setWorkspace(app::Workspace::run);
  click("launch.launch");
  ASSERT_TRUE(patient([&] { return workbench_->run()->launcher().isBusy(); }));

  auto* plot = workbench_->run()->monitor()->plot();
  ASSERT_TRUE(
      patient([&] { return plot->drawnPoints() >= 5 || !workbench_->run()->launcher().isBusy(); }));
  ASSERT_TRUE(workbench_->run()->launcher().isBusy());
  const auto* run = this->run("run");
  ASSERT_NE(run, nullptr);
  EXPECT_EQ(run->state, engine::RunState::running);

  // Applied equals planned, read from what the engine did.
  ASSERT_TRUE(patient(
      [&] { return workbench_->edit()->histogram()->noteText() == QStringLiteral("as planned"); }));
  EXPECT_EQ(run->transformed.size(), 2u + 2u * 7u);

  click("monitor.stop");
  ASSERT_TRUE(patient([&] { return !workbench_->run()->launcher().isBusy(); }));
  EXPECT_EQ(engine::observe_state(folder_ / "run").state, engine::RunState::stopped);
  ASSERT_TRUE(patient([&] { return run->state == engine::RunState::stopped; }));
  EXPECT_FALSE(run->checkpoints.empty());

  // The budget is 100 ms; the factor is for a machine whose cores are all training other tests.
  EXPECT_LT(while_loading, 1000) << "ms without a heartbeat while the engine was loaded";
  EXPECT_LT(longest, 1000) << "ms without a heartbeat while it trained";
  RecordProperty("longest_gap_loading_ms", int(while_loading));
  RecordProperty("longest_gap_training_ms", int(longest));
  std::printf("longest gap: %lld ms while loading, %lld ms while training\n",
              static_cast<long long>(while_loading), static_cast<long long>(longest));
}

TEST_F(WorkbenchWithTheEngine, FitsTheMicroBatchToTheMemoryAndLaunchesWhatFits) {
  // So large that what the process keeps of earlier work is little beside a step.
  constexpr std::int64_t kGlobalBatch = 2048;
  ASSERT_NO_FATAL_FAILURE(openLaunchForm(kGlobalBatch, 2));
  auto* panel = workbench_->run()->launchPanel();
  auto* form = panel->form();
  form->setValue("do_train", true);
  form->setValue("save_strategy", std::string("no"));
  form->setValue("logging_steps", std::int64_t{1});
  const auto is_estimated = [&] {
    return panel->cost()->estimate() && !panel->cost()->isRunning();
  };
  click("cost.estimate");
  ASSERT_TRUE(patient(is_estimated));
  const std::int64_t whole = panel->cost()->estimate()->peak_bytes;
  ASSERT_GT(whole, 50'000'000);

  // Less than a step with the whole batch takes.
  auto* limit = find<QDoubleSpinBox>("cost.memory_limit");
  limit->setFocus();
  limit->selectAll();
  QTest::keyClicks(limit, QLocale().toString(0.93 * static_cast<double>(whole) / 1e9, 'f', 2));
  QTest::keyClick(limit, Qt::Key_Return);
  const std::int64_t allowed = panel->cost()->memoryLimit();
  ASSERT_GT(allowed, 0);
  ASSERT_LT(allowed, whole);
  click("cost.fit");
  const auto batch = [&] { return form->values().get_int("per_device_train_batch_size"); };
  ASSERT_TRUE(patient([&] { return batch() < kGlobalBatch && is_estimated(); }))
      << find<QLabel>("cost.status")->text().toStdString();
  const std::int64_t micro = batch();
  const std::int64_t times = form->values().get_int("gradient_accumulation_steps");
  EXPECT_GT(micro, 0);
  EXPECT_EQ(micro * times, kGlobalBatch);
  EXPECT_LE(panel->cost()->estimate()->peak_bytes, allowed);
  EXPECT_TRUE(panel->messages()->text().contains(QStringLiteral("global batch of 2048 is kept")))
      << panel->messages()->text().toStdString();
  picture(QStringLiteral("fitted"));

  click("launch.launch");
  ASSERT_TRUE(reaches("run", engine::RunState::finished));
  std::vector<engine::Problem> problems;
  const auto trained = engine::read_run_values(folder_ / "run/run.yaml", problems);
  EXPECT_EQ(trained.get_int("per_device_train_batch_size"), micro);
  EXPECT_EQ(trained.get_int("gradient_accumulation_steps"), times);
  ASSERT_TRUE(patient([&] { return run("run")->cost.has_value(); }));
  EXPECT_EQ(run("run")->cost->predicted_peak_bytes, panel->request().prediction->peak_bytes)
      << "predicted and actual stand side by side";
  EXPECT_LT(run("run")->cost->peak_bytes, whole) << "it took less than the whole batch would";
}

TEST_F(WorkbenchWithTheEngine, EstimatesTheMemoryOfTheProcessThatWillTrain) {
  ASSERT_NO_FATAL_FAILURE(openLaunchForm(2, 5));
  auto* panel = workbench_->run()->launchPanel();
  // What a window may hold: a model that was tried, the curves of many runs.
  constexpr std::int64_t kHeld = 400'000'000;
  const std::vector<char> held(kHeld, 1);
  const auto peak_in = [&](widgets::LaunchPlace place) {
    panel->setPlace(place);
    QSignalSpy shown(panel->cost(), &widgets::CostView::estimateShown);
    click("cost.estimate");
    EXPECT_TRUE(patient([&] { return !panel->cost()->isRunning(); }));
    EXPECT_EQ(shown.size(), 1) << find<QLabel>("cost.status")->text().toStdString();
    return panel->cost()->estimate()->peak_bytes;
  };
  const std::int64_t here = peak_in(widgets::LaunchPlace::in_window);
  EXPECT_GT(here, kHeld) << "a run in this window lives beside all that it holds";
  EXPECT_EQ(panel->request().prediction->peak_bytes, here);
  panel->setPlace(widgets::LaunchPlace::separate_process);
  EXPECT_EQ(panel->request().prediction->peak_bytes, -1) << "not measured in such a process";
  EXPECT_GT(panel->request().prediction->step_seconds, 0);

  const std::int64_t apart = peak_in(widgets::LaunchPlace::separate_process);
  EXPECT_GT(apart, 10'000'000);
  EXPECT_LT(apart, here - kHeld);
  std::printf("peak: %lld bytes in this window, %lld in a process of its own\n",
              static_cast<long long>(here), static_cast<long long>(apart));
  // And so it is.
  click("launch.launch");
  ASSERT_TRUE(reaches("run", engine::RunState::finished));
  ASSERT_TRUE(patient([&] { return run("run")->cost && run("run")->cost->peak_bytes > 0; }));
  EXPECT_EQ(run("run")->cost->predicted_peak_bytes, apart);
  EXPECT_NEAR(static_cast<double>(run("run")->cost->peak_bytes), static_cast<double>(apart),
              0.15 * static_cast<double>(apart));
  EXPECT_EQ(held.size(), static_cast<std::size_t>(kHeld));
}

TEST_F(WorkbenchWithTheEngine, AnEstimateApartSaysWhatIsWrongAndIsGivenUpAtOnce) {
  open();
  waitForEngine();
  auto* panel = workbench_->run()->launchPanel();
  auto* form = panel->form();
  panel->setPlace(widgets::LaunchPlace::separate_process);
  form->setValue("model_name_or_path", path("nowhere").toStdString());
  form->setValue("train_file", (folder_ / "text.txt").string());
  form->setValue("output_dir", (folder_ / "run").string());
  workbench_->window()->setWorkspace(app::Workspace::run);
  workbench_->window()->raisePanel(QStringLiteral("launch"));
  click("cost.estimate");
  ASSERT_TRUE(patient([&] { return !panel->cost()->isRunning(); }));
  const auto status = [&] { return find<QLabel>("cost.status")->text(); };
  EXPECT_TRUE(status().contains(QStringLiteral("nowhere"))) << status().toStdString();

  form->setValue("model_name_or_path", path("tiny").toStdString());
  form->setValue("block_size", std::int64_t{32});
  form->setValue("device", std::string("cpu"));
  click("cost.estimate");
  ASSERT_TRUE(patient([&] { return status() != QStringLiteral("preparing …"); }));
  QElapsedTimer watch;
  watch.start();
  click("cost.estimate");
  EXPECT_FALSE(panel->cost()->isRunning());
  EXPECT_LT(watch.elapsed(), 500);
  EXPECT_FALSE(panel->cost()->estimate().has_value());
}

}  // namespace
