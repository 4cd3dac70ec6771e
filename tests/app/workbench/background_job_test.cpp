// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/background_job.h"

#include <QTest>
#include <QThread>

#include <gtest/gtest.h>

#include <atomic>
#include <semaphore>

namespace {

using app::BackgroundJob;
using app::JobResult;

TEST(BackgroundJob, ComputesElsewhereAndDeliversHere) {
  BackgroundJob job;
  QThread* computed_on = nullptr;
  QThread* delivered_on = nullptr;
  job.start([&] { return computed_on = QThread::currentThread(); },
            [&](JobResult<QThread*>) { delivered_on = QThread::currentThread(); });
  EXPECT_TRUE(job.isRunning());
  ASSERT_TRUE(QTest::qWaitFor([&] { return delivered_on != nullptr; }, 30000));
  EXPECT_NE(computed_on, QThread::currentThread());
  EXPECT_EQ(delivered_on, QThread::currentThread());
  EXPECT_FALSE(job.isRunning());
}

TEST(BackgroundJob, AStaleResultIsDropped) {
  BackgroundJob job;
  std::binary_semaphore go(0);
  std::atomic<bool> first_ran = false;
  std::vector<int> delivered;
  job.start(
      [&] {
        go.acquire();
        first_ran = true;
        return 1;
      },
      [&](JobResult<int> result) { delivered.push_back(*result.value); });
  job.start([] { return 2; }, [&](JobResult<int> result) { delivered.push_back(*result.value); });
  ASSERT_TRUE(QTest::qWaitFor([&] { return !delivered.empty(); }, 30000));
  go.release();
  ASSERT_TRUE(QTest::qWaitFor([&] { return first_ran.load(); }, 30000));
  QTest::qWait(20);
  EXPECT_EQ(delivered, std::vector<int>{2});
}

TEST(BackgroundJob, ADestroyedReceiverIsLeftAlone) {
  std::binary_semaphore go(0);
  std::atomic<bool> done = false;
  bool delivered = false;
  {
    BackgroundJob job;
    job.start(
        [&] {
          go.acquire();
          done = true;
          return 1;
        },
        [&](JobResult<int>) { delivered = true; });
  }
  go.release();
  ASSERT_TRUE(QTest::qWaitFor([&] { return done.load(); }, 30000));
  QTest::qWait(20);
  EXPECT_FALSE(delivered);
}

TEST(BackgroundJob, AnErrorComesBackAsProblems) {
  BackgroundJob job;
  std::vector<engine::Problem> problems;
  job.start([]() -> int { engine::fail("bad-file", {.file = "x.yaml"}, "broken", "mend it"); },
            [&](JobResult<int> result) { problems = result.problems; });
  ASSERT_TRUE(QTest::qWaitFor([&] { return !problems.empty(); }, 30000));
  EXPECT_EQ(problems.front().remedy, "mend it");
}

}  // namespace
