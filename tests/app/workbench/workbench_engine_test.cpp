// SPDX-License-Identifier: GPL-3.0-or-later
// The window with the true engine: a tiny checkpoint, transformed, trained for a few steps and
// stopped.
#include "app/workbench/edit_workspace.h"
#include "engine/runs/run_catalog.h"
#include "tests/app/workbench/true_window.h"
#include "widgets/forms/param_form.h"
#include "widgets/panels/histogram_panel.h"
#include "widgets/panels/launch_panel.h"
#include "widgets/panels/run_monitor_panel.h"
#include "widgets/plots/curve_plot.h"
#include "widgets/plots/histogram_plot.h"

#include <QElapsedTimer>
#include <QTimer>

#include <gtest/gtest.h>

#include <cstdio>

namespace {

using WorkbenchWithTheEngine = tests::TrueWindow;

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

}  // namespace
