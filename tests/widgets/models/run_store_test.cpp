// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/run_store.h"

#include "widgets/models/run_list_model.h"
#include "widgets/models/run_log_model.h"

#include <QAbstractItemModelTester>
#include <QSignalSpy>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace {

using engine::RunState;
using widgets::Metric;
using widgets::RunListModel;
using widgets::RunStore;

const QString kRun = QStringLiteral("/runs/run-a");

engine::RunEvent step(std::int64_t number, double loss) {
  engine::StepLogged logged;
  logged.step = number;
  logged.loss = loss;
  return {double(number), logged};
}

engine::RunUpdate update(RunState state, std::vector<engine::RunEvent> events = {}) {
  engine::RunUpdate one;
  one.state = state;
  one.events = std::move(events);
  return one;
}

TEST(RunStore, EventsBecomeCurvesAndFacts) {
  RunStore store;
  engine::RunStarted started;
  started.max_steps = 50;
  store.apply(kRun,
              update(RunState::running, {{100.0, started}, step(1, 5), step(2, 3), step(3, 4)}));
  const auto* run = store.find(kRun);
  ASSERT_NE(run, nullptr);
  EXPECT_EQ(run->curve(Metric::loss).size(), 3u);
  EXPECT_EQ(run->step, 3);
  EXPECT_EQ(run->max_steps, 50);
  EXPECT_EQ(run->last_loss, 4.0);
  EXPECT_EQ(run->best_loss, 3.0);
  EXPECT_EQ(run->started_at, 100.0);
}

TEST(RunStore, AResumeTakesBackWhatItSupersedes) {
  RunStore store;
  store.apply(kRun, update(RunState::running, {step(1, 5), step(2, 3), step(3, 1)}));
  engine::RunUpdate resumed = update(RunState::running, {step(2, 4)});
  resumed.rewind_to = 1;
  store.apply(kRun, resumed);
  const auto* run = store.find(kRun);
  EXPECT_EQ(run->curve(Metric::loss).size(), 2u);
  EXPECT_EQ(run->step, 2);
  EXPECT_EQ(run->best_loss, 4.0);
}

TEST(RunStore, TimeIsThatOfWorkAndNeverRunsBack) {
  RunStore store;
  store.apply(kRun,
              update(RunState::running,
                     {{100, engine::RunStarted{.max_steps = 9}}, step(110, 5), step(120, 4)}));
  engine::RunUpdate resumed = update(
      RunState::running, {{5000, engine::RunStarted{.step = 110, .resumed_from = "checkpoint-110"}},
                          {5004, engine::StepLogged{.step = 111}},
                          {4000, engine::StepLogged{.step = 112}}});
  resumed.rewind_to = 110;
  store.apply(kRun, resumed);
  const auto seconds = store.find(kRun)->curve(Metric::seconds).y();
  ASSERT_EQ(seconds.size(), 3u);
  EXPECT_EQ(seconds[0], 10);
  EXPECT_EQ(seconds[1], 14) << "the night between the parts is left out";
  EXPECT_EQ(seconds[2], 14) << "a clock that jumped back";
}

TEST(RunStore, WhatHappenedIsMarkedInTheLog) {
  RunStore store;
  store.apply(
      kRun,
      update(RunState::running,
             {{1, engine::Evaluated{.step = 5}},
              {2, engine::CheckpointSaved{.step = 5, .path = "checkpoint-5"}},
              {3, engine::DivergenceSeen{.step = 6, .layer = "lm_head", .text = "not finite"}},
              {4, engine::RunExtended{.step = 7, .before = 10, .max_steps = 20}}}));
  const auto& log = store.find(kRun)->log;
  ASSERT_EQ(log.size(), 4u);
  EXPECT_EQ(log[0].kind, widgets::LogKind::evaluation);
  EXPECT_EQ(log[1].kind, widgets::LogKind::checkpoint);
  EXPECT_EQ(log[2].kind, widgets::LogKind::divergence);
  EXPECT_EQ(log[2].layer, QStringLiteral("lm_head"));
  EXPECT_EQ(log[3].kind, widgets::LogKind::extension);
}

TEST(RunStore, LayerStatisticsBecomeCurves) {
  RunStore store;
  const engine::LayerStats first{50, {{"lm_head", "clamp_rate", 0.5}}};
  const engine::LayerStats second{100, {{"lm_head", "clamp_rate", 0.25}}};
  store.apply(kRun, update(RunState::running, {{1.0, first}, {2.0, second}}));
  const auto* curve = store.find(kRun)->layers.find("lm_head", "clamp_rate");
  ASSERT_NE(curve, nullptr);
  EXPECT_EQ(curve->size(), 2u);
  engine::RunUpdate resumed = update(RunState::running);
  resumed.rewind_to = 60;
  store.apply(kRun, resumed);
  EXPECT_EQ(store.find(kRun)->layers.find("lm_head", "clamp_rate")->size(), 1u);
}

TEST(RunStore, ANonFiniteLossIsLoggedAndNeverTheBest) {
  RunStore store;
  store.apply(kRun, update(RunState::running,
                           {step(1, 5), step(2, std::numeric_limits<double>::quiet_NaN())}));
  const auto* run = store.find(kRun);
  EXPECT_TRUE(std::isnan(*run->last_loss));
  EXPECT_EQ(run->best_loss, 5.0);
  ASSERT_EQ(run->log.size(), 1u);
  EXPECT_EQ(run->log.front().level, QStringLiteral("warning"));
}

TEST(RunStore, ARunOfThisWindowIsStartingUntilItsFolderSaysMore) {
  RunStore store;
  store.add(kRun);
  store.setInWindow(kRun, true);
  engine::RunUpdate nothing = update(RunState::unknown);
  nothing.detail = "folder not reachable";
  store.apply(kRun, nothing);
  EXPECT_EQ(store.find(kRun)->state, RunState::starting);
  store.apply(kRun, update(RunState::running));
  EXPECT_EQ(store.find(kRun)->state, RunState::running);
  store.apply(kRun, update(RunState::interrupted));
  EXPECT_EQ(store.find(kRun)->state, RunState::interrupted);
}

TEST(RunStore, ARefusedRunSaysWhy) {
  RunStore store;
  store.add(kRun);
  store.setInWindow(kRun, true);
  store.setRefused(kRun, QStringLiteral("no text"));
  store.setInWindow(kRun, false);
  EXPECT_EQ(store.find(kRun)->state, RunState::failed);
  EXPECT_EQ(widgets::state_sentence(*store.find(kRun)), QStringLiteral("failed: no text"));
}

TEST(RunStore, ARequestStandsUntilTheFolderConfirmsIt) {
  RunStore store;
  store.apply(kRun, update(RunState::running));
  store.setRequested(kRun, engine::RunRequest::stop);
  store.apply(kRun, update(RunState::running, {step(1, 5)}));
  EXPECT_EQ(store.find(kRun)->requested, engine::RunRequest::stop);
  store.apply(kRun, update(RunState::stopping));
  EXPECT_EQ(store.find(kRun)->requested, engine::RunRequest::none);

  store.apply(kRun, update(RunState::running));
  store.setRequested(kRun, engine::RunRequest::checkpoint, "1-a");
  engine::ControlAnswered answer{
      .step = 2, .request = "checkpoint", .id = "1-b", .outcome = "done", .text = ""};
  store.apply(kRun, update(RunState::running, {{9.0, answer}}));
  EXPECT_EQ(store.find(kRun)->requested, engine::RunRequest::checkpoint) << "somebody else's";
  answer.id = "1-a";
  store.apply(kRun, update(RunState::running, {{9.0, answer}}));
  EXPECT_EQ(store.find(kRun)->requested, engine::RunRequest::none);
}

TEST(RunStore, ARefusedRequestIsToldOnceWithItsReason) {
  RunStore store;
  store.apply(kRun, update(RunState::running));
  store.setRequested(kRun, engine::RunRequest::extend, "1-a");
  const engine::ControlAnswered answer{.step = 2,
                                       .request = "extend",
                                       .id = "1-a",
                                       .outcome = "refused",
                                       .text = "max_steps 5 is not more than the run's 9"};
  store.apply(kRun, update(RunState::running, {{9.0, answer}}));
  EXPECT_EQ(store.find(kRun)->requested, engine::RunRequest::none);
  EXPECT_EQ(store.takeRefusedRequest(kRun),
            QStringLiteral("max_steps 5 is not more than the run's 9"));
  EXPECT_TRUE(store.takeRefusedRequest(kRun).isEmpty());
}

TEST(RunStore, ARunIsQueuedThenStartingUntilItsFolderSpeaks) {
  RunStore store;
  store.setQueued(kRun, QStringLiteral("waits for a on cpu"));
  EXPECT_EQ(store.find(kRun)->state, RunState::queued);
  EXPECT_EQ(state_sentence(*store.find(kRun)), QStringLiteral("queued, waits for a on cpu"));
  store.setStartingApart(kRun, true);
  store.setQueued(kRun, std::nullopt);
  EXPECT_EQ(store.find(kRun)->state, RunState::starting);
  store.apply(kRun, update(RunState::running));
  EXPECT_EQ(store.find(kRun)->state, RunState::running);
  EXPECT_FALSE(store.find(kRun)->starting_apart);

  // What it says of an earlier life does not hide that it is about to go on.
  store.apply(kRun, update(RunState::stopped));
  store.setStartingApart(kRun, true);
  EXPECT_EQ(store.find(kRun)->state, RunState::starting);
  store.setStartingApart(kRun, false);
  EXPECT_EQ(store.find(kRun)->state, RunState::stopped);
}

TEST(RunListModel, FollowsWhenRunsComeAndGo) {
  RunStore store;
  RunListModel model(&store);
  QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Fatal);
  for (const char* name : {"/a", "/b", "/c"}) store.add(QLatin1String(name));
  store.remove(QStringLiteral("/b"));
  store.remove(QStringLiteral("/no"));
  ASSERT_EQ(model.rowCount(), 2);
  EXPECT_EQ(model.index(0, 0).data(RunListModel::kFolderRole).toString(), QStringLiteral("/c"));
  EXPECT_EQ(model.index(1, 0).data(RunListModel::kFolderRole).toString(), QStringLiteral("/a"));
}

TEST(RunStore, OneSignalForABatch) {
  RunStore store;
  QSignalSpy changes(&store, &RunStore::runsChanged);
  for (int i = 0; i < 50; ++i) store.apply(kRun, update(RunState::running, {step(i + 1, 1)}));
  store.publish();
  EXPECT_EQ(changes.size(), 1);
}

TEST(RunListModel, ShowsTheTrueStateAndTheNewestFirst) {
  RunStore store;
  RunListModel model(&store);
  QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Fatal);
  store.apply(kRun, update(RunState::interrupted, {step(1, 5)}));
  store.apply(QStringLiteral("/runs/run-b"), update(RunState::running));
  store.publish();
  ASSERT_EQ(model.rowCount(), 2);
  EXPECT_EQ(model.index(0, RunListModel::kName).data().toString(), QStringLiteral("run-b"));
  EXPECT_EQ(model.index(1, RunListModel::kState).data().toString(), QStringLiteral("interrupted"));
  EXPECT_EQ(model.index(1, RunListModel::kLastLoss).data().toString(),
            QLocale().toString(5.0, 'f', 4));
}

TEST(RunLogModel, AppendsWhatContinuesAndStartsOverOtherwise) {
  widgets::RunLogModel model;
  QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Fatal);
  QSignalSpy resets(&model, &QAbstractItemModel::modelReset);
  std::vector<widgets::LogLine> lines{
      {1, 1, QStringLiteral("info"), QStringLiteral("one"), {}, {}}};
  model.show(kRun, lines);
  const auto before = resets.size();
  lines.push_back({2, 2, QStringLiteral("error"), QStringLiteral("two"), {}, {}});
  model.show(kRun, lines);
  EXPECT_EQ(model.rowCount(), 2);
  EXPECT_EQ(resets.size(), before);
  lines.erase(lines.begin());
  model.show(kRun, lines);
  EXPECT_EQ(model.rowCount(), 1);
  EXPECT_EQ(resets.size(), before + 1);
}

}  // namespace
