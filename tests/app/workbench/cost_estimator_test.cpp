// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/cost_estimator.h"

#include "tests/support/fake_engine.h"

#include <QElapsedTimer>
#include <QSignalSpy>
#include <QTest>

#include <gtest/gtest.h>

namespace {

using app::CostEstimator;

tests::FakeRun taking(int ms) {
  tests::FakeRun run;
  run.estimate_time = std::chrono::milliseconds(ms);
  return run;
}

TEST(CostEstimatorTest, TellsProgressAndThenTheEstimate) {
  const tests::FakeEngine engine(taking(150));
  CostEstimator estimator;
  QSignalSpy progressed(&estimator, &CostEstimator::progressed);
  QSignalSpy finished(&estimator, &CostEstimator::finished);
  engine::RunConfig config;
  config.max_steps = 1000;
  estimator.start(engine, config);
  EXPECT_TRUE(estimator.isRunning());
  ASSERT_TRUE(QTest::qWaitFor([&] { return finished.size() == 1; }, 30000));
  EXPECT_FALSE(estimator.isRunning());
  EXPECT_GE(progressed.size(), 2);
  EXPECT_EQ(progressed.front().at(0).toString(), QStringLiteral("probing steps"));
  EXPECT_EQ(finished.front().at(0).value<engine::CostEstimate>().max_steps, 1000);
}

TEST(CostEstimatorTest, ACancelIsAtOnceAndNothingIsToldAfterIt) {
  const tests::FakeEngine engine(taking(60000));
  CostEstimator estimator;
  QSignalSpy progressed(&estimator, &CostEstimator::progressed);
  QSignalSpy finished(&estimator, &CostEstimator::finished);
  QSignalSpy failed(&estimator, &CostEstimator::failed);
  estimator.start(engine, {});
  ASSERT_TRUE(QTest::qWaitFor([&] { return !progressed.isEmpty(); }, 30000));
  QElapsedTimer watch;
  watch.start();
  estimator.cancel();
  EXPECT_FALSE(estimator.isRunning());
  EXPECT_LT(watch.elapsed(), 200);
  progressed.clear();
  QTest::qWait(150);
  EXPECT_EQ(progressed.size() + finished.size() + failed.size(), 0);
}

TEST(CostEstimatorTest, ANewOneTakesThePlaceOfTheOld) {
  const tests::FakeEngine slow(taking(60000));
  const tests::FakeEngine quick(taking(0));
  CostEstimator estimator;
  QSignalSpy finished(&estimator, &CostEstimator::finished);
  estimator.start(slow, {});
  engine::RunConfig config;
  config.max_steps = 7;
  for (int i = 0; i < 20; ++i) estimator.start(i % 2 == 0 ? quick : slow, config);
  estimator.start(quick, config);
  ASSERT_TRUE(QTest::qWaitFor([&] { return finished.size() == 1; }, 30000));
  EXPECT_EQ(finished.front().at(0).value<engine::CostEstimate>().max_steps, 7);
  QTest::qWait(50);
  EXPECT_EQ(finished.size(), 1);
}

TEST(CostEstimatorTest, WhatIsWrongComesBackAndDestructionWaits) {
  auto run = taking(0);
  engine::Problem problem;
  problem.message = "no model is given";
  run.problems = {problem};
  const tests::FakeEngine engine(run);
  {
    CostEstimator estimator;
    QSignalSpy failed(&estimator, &CostEstimator::failed);
    estimator.start(engine, {});
    ASSERT_TRUE(QTest::qWaitFor([&] { return failed.size() == 1; }, 30000));
    EXPECT_EQ(failed.front().at(0).value<std::vector<engine::Problem>>().front().message,
              "no model is given");
  }
  const tests::FakeEngine slow(taking(60000));
  CostEstimator estimator;
  estimator.start(slow, {});
}

}  // namespace
