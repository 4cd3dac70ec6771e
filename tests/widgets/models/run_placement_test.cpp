// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/run_placement.h"

#include <gtest/gtest.h>

#include <cmath>

namespace {

using widgets::Metric;
using widgets::RunAxis;
using widgets::RunPlacement;

const QString kRun = QStringLiteral("/runs/run-a");

/// Logged every 10 steps of 100 tokens and two seconds.
void train(widgets::RunStore& runs, std::int64_t from, std::int64_t to) {
  engine::RunUpdate update;
  update.state = engine::RunState::running;
  if (from == 10) {
    engine::RunStarted started;
    started.max_steps = 400;
    started.tokens_per_step = 100;
    update.events.push_back({1000, started});
  }
  for (std::int64_t step = from; step <= to; step += 10) {
    engine::StepLogged logged;
    logged.step = step;
    logged.loss = 3 - double(step) / 1000;
    logged.tokens = step * 100;
    update.events.push_back({1000 + 2 * double(step), logged});
  }
  runs.apply(kRun, update);
  runs.publish();
}

class RunPlacementTest : public testing::Test {
 protected:
  RunPlacementTest() { train(runs_, 10, 200); }
  const widgets::RunRecord* run() { return runs_.find(kRun); }

  widgets::RunStore runs_;
  RunPlacement placement_;
};

TEST_F(RunPlacementTest, OverStepsEverythingIsAsItIs) {
  EXPECT_EQ(placement_.placed(*run(), Metric::loss), &run()->curve(Metric::loss));
  EXPECT_EQ(placement_.placeOf(run(), 55), 55);
  EXPECT_EQ(placement_.stepAt(run(), 55), 55);
  EXPECT_EQ(placement_.expectedEnd(*run()), 400);
}

TEST_F(RunPlacementTest, OverTokensAStepStandsWhereItsTokensDo) {
  placement_.setAxis(RunAxis::tokens);
  EXPECT_EQ(placement_.placeOf(run(), 100), 10000);
  EXPECT_EQ(placement_.placeOf(run(), 104), 10000) << "at or before";
  EXPECT_EQ(placement_.stepAt(run(), 10000), 100);
  EXPECT_EQ(placement_.stepAt(run(), 1e9), 200) << "beyond the end stands the last step";
  EXPECT_EQ(placement_.expectedEnd(*run()), 40000);
  const auto* placed = placement_.placed(*run(), Metric::loss);
  ASSERT_EQ(placed->size(), 20u);
  EXPECT_EQ(placed->x().back(), 20000);
  train(runs_, 210, 300);
  EXPECT_EQ(placement_.placed(*run(), Metric::loss)->x().back(), 30000) << "it grows";
}

TEST_F(RunPlacementTest, OverTimeNoEndIsPromised) {
  placement_.setAxis(RunAxis::time);
  EXPECT_EQ(placement_.placeOf(run(), 100), 200);
  EXPECT_EQ(placement_.expectedEnd(*run()), 0);
  EXPECT_EQ(placement_.placeText(run(), 200), QStringLiteral("step 100 · 10.0k tokens · 3 min 20 s"));
}

TEST_F(RunPlacementTest, WithoutARunPlacesAreSteps) {
  placement_.setAxis(RunAxis::tokens);
  EXPECT_EQ(placement_.placeOf(nullptr, 7), 7);
  EXPECT_EQ(placement_.stepAt(nullptr, 7), 7);
  EXPECT_EQ(placement_.placeText(nullptr, 7), QStringLiteral("step 7"));
  EXPECT_TRUE(std::isnan(placement_.stepAt(run(), std::nan(""))));
}

}  // namespace
