// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/run_launcher.h"

#include "engine/runs/run_catalog.h"
#include "tests/support/fake_engine.h"
#include "tests/support/scratch_folder.h"

#include <QSignalSpy>
#include <QTest>

#include <gtest/gtest.h>

namespace {

using app::RunLauncher;

engine::RunConfig config_in(const std::filesystem::path& folder) {
  engine::RunConfig config;
  config.output_dir = folder.string();
  config.max_steps = 100000;
  config.logging_steps = 1;
  return config;
}

QString folder_of(const tests::ScratchFolder& scratch) {
  return QString::fromStdString((scratch / "run").string());
}

tests::FakeRun slow() {
  tests::FakeRun run;
  run.step_time = std::chrono::milliseconds(2);
  return run;
}

TEST(RunLauncher, TrainsInTheBackgroundUntilItIsStopped) {
  tests::ScratchFolder folder;
  tests::FakeEngine engine(slow());
  RunLauncher launcher;
  QSignalSpy started(&launcher, &RunLauncher::started);
  QSignalSpy ended(&launcher, &RunLauncher::ended);
  launcher.start(engine, config_in(folder / "run"));
  EXPECT_TRUE(launcher.isBusy());
  EXPECT_EQ(started.size(), 1);
  QTest::qWait(50);
  launcher.request(folder_of(folder), engine::RunRequest::stop);
  ASSERT_TRUE(QTest::qWaitFor([&] { return ended.size() == 1; }, 30000));
  EXPECT_FALSE(launcher.isBusy());
  EXPECT_EQ(engine::observe_state(folder / "run").state, engine::RunState::stopped);
}

TEST(RunLauncher, WhatIsWrongBeforeTheFirstStepComesBack) {
  tests::ScratchFolder folder;
  tests::FakeRun run;
  engine::Problem problem;
  problem.message = "no text";
  run.problems = {problem};
  tests::FakeEngine engine(run);
  RunLauncher launcher;
  QSignalSpy refused(&launcher, &RunLauncher::refused);
  QSignalSpy ended(&launcher, &RunLauncher::ended);
  launcher.start(engine, config_in(folder / "run"));
  ASSERT_TRUE(QTest::qWaitFor([&] { return ended.size() == 1; }, 30000));
  EXPECT_EQ(refused.size(), 1);
  EXPECT_FALSE(std::filesystem::exists(folder / "run"));
}

TEST(RunLauncher, GoingAwayStopsTheRunWithACheckpoint) {
  tests::ScratchFolder folder;
  tests::FakeEngine engine(slow());
  {
    RunLauncher launcher;
    launcher.start(engine, config_in(folder / "run"));
    QTest::qWait(50);
  }
  EXPECT_EQ(engine::observe_state(folder / "run").state, engine::RunState::stopped);
}

}  // namespace
