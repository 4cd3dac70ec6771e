// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/run_watcher.h"

#include "engine/runs/run_writer.h"
#include "tests/support/fake_engine.h"
#include "tests/support/scratch_folder.h"
#include "widgets/models/run_store.h"

#include <QCoreApplication>
#include <QTest>

#include <gtest/gtest.h>

#include <thread>

namespace {

using app::RunWatcher;
using widgets::Metric;
using widgets::RunStore;

class RunWatcherTest : public testing::Test {
 protected:
  RunWatcherTest() {
    QObject::connect(&watcher_, &RunWatcher::updated, &watcher_,
                     [this](const std::vector<app::WatchedUpdate>& batch) {
                       ++batches_;
                       for (const auto& one : batch) store_.apply(one.folder, one.update);
                       store_.publish();
                     });
    QObject::connect(&watcher_, &RunWatcher::found, &watcher_,
                     [this](const QString& folder) { store_.add(folder); });
  }
  engine::RunConfig config(const char* name) {
    engine::RunConfig config;
    config.output_dir = (folder_ / name).string();
    config.logging_steps = 1;
    config.max_steps = 200;
    return config;
  }
  static QString path(const engine::RunConfig& config) {
    return QString::fromStdString(config.output_dir);
  }
  bool waitForState(const QString& folder, engine::RunState state) {
    return QTest::qWaitFor(
        [&] {
          const auto* run = store_.find(folder);
          return run != nullptr && run->state == state;
        },
        30000);
  }

  tests::ScratchFolder folder_;
  RunStore store_;
  RunWatcher watcher_;
  int batches_ = 0;
};

TEST_F(RunWatcherTest, FollowsALiveRunToItsEnd) {
  const auto run = config("live");
  watcher_.watch(path(run));
  std::jthread training([&] {
    tests::FakeRun fake;
    fake.step_time = std::chrono::milliseconds(2);
    engine::RunControl control;
    tests::FakeEngine(fake).train(run, control);
  });
  ASSERT_TRUE(waitForState(path(run), engine::RunState::running));
  ASSERT_TRUE(waitForState(path(run), engine::RunState::finished));
  const auto* record = store_.find(path(run));
  EXPECT_EQ(record->curve(Metric::loss).size(), 200u);
  EXPECT_EQ(record->curve(Metric::loss).y().back(), tests::fake_loss(200));
}

TEST_F(RunWatcherTest, ManyEventsArriveInFewBatches) {
  const auto run = config("long");
  std::filesystem::create_directories(run.output_dir);
  {
    engine::RunWriter writer(engine::RunFolder{run.output_dir});
    for (std::int64_t step = 1; step <= 50000; ++step) {
      engine::StepLogged logged;
      logged.step = step;
      logged.loss = 1;
      writer.write(logged);
    }
  }
  watcher_.watch(path(run));
  ASSERT_TRUE(QTest::qWaitFor(
      [&] {
        const auto* record = store_.find(path(run));
        return record != nullptr && record->curve(Metric::loss).size() == 50000u;
      },
      30000));
  EXPECT_LT(batches_, 10);
}

TEST_F(RunWatcherTest, FindsRunsBelowARootAndTellsThatOneDied) {
  const auto run = config("dead");
  tests::FakeRun fake;
  fake.abandon_at = 12;
  fake.torn_line = true;
  engine::RunControl control;
  tests::FakeEngine(fake).train(run, control);
  watcher_.addRoot(QString::fromStdString(folder_.path().string()));
  ASSERT_TRUE(waitForState(path(run), engine::RunState::interrupted));
  EXPECT_EQ(store_.find(path(run))->curve(Metric::loss).size(), 12u);
}

TEST_F(RunWatcherTest, EndsAtOnceWhileWatching) {
  watcher_.watch(QStringLiteral("/nowhere/at/all"));
  watcher_.addRoot(QStringLiteral("/nowhere"));
  QTest::qWait(60);
}

}  // namespace
