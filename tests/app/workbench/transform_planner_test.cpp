// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/transform_planner.h"

#include "tests/widgets/sample_plan.h"

#include <QElapsedTimer>
#include <QSignalSpy>
#include <QTest>

#include <gtest/gtest.h>

namespace {

using app::TransformPlanner;

/// Sixty rules, each of which backtracks up to the match limit on every layer.
std::string slow_rules() {
  std::string text = "layer_name_to_config:\n";
  for (int i = 0; i < 60; ++i) {
    text += "  '(.*.*.*.*.*)*x" + std::to_string(i) + "': {q_levels: 64}\n";
  }
  return text + "  default: {q_levels: 128}\n";
}

TEST(TransformPlanner, AnUsualPlanIsThereWhenTheCallReturns) {
  TransformPlanner planner(10000);
  QSignalSpy planned(&planner, &TransformPlanner::planned);
  planner.setCheckpoint(tests::sample_checkpoint());
  EXPECT_EQ(planned.count(), 1);
  EXPECT_FALSE(planner.view()->has_plan());
  planner.setTransform(tests::sample_transform(), QStringLiteral("a.yaml"));
  EXPECT_EQ(planned.count(), 2);
  ASSERT_TRUE(planner.view()->has_plan());
  EXPECT_EQ(planner.view()->plan.counts[1].won, 8);
  EXPECT_FALSE(planner.isPlanning());
}

TEST(TransformPlanner, ASlowPlanDoesNotHoldTheCallerAndTheNewestWins) {
  TransformPlanner planner(0);
  planner.setCheckpoint(tests::sample_checkpoint(80));
  ASSERT_TRUE(QTest::qWaitFor([&] { return !planner.isPlanning(); }, 30000));
  QSignalSpy planned(&planner, &TransformPlanner::planned);
  QElapsedTimer clock;
  clock.start();
  planner.setTransform(slow_rules(), QStringLiteral("a.yaml"));
  planner.setTransform("layer_name_to_config:\n  lm_head: null\n", QStringLiteral("a.yaml"));
  planner.setTransform(tests::sample_transform(), QStringLiteral("a.yaml"));
  EXPECT_TRUE(planner.isPlanning());
  ASSERT_TRUE(QTest::qWaitFor([&] { return !planner.isPlanning(); }, 60000));
  EXPECT_EQ(planned.count(), 1) << "only the newest text is shown";
  EXPECT_EQ(planner.view()->transform->config.rules.size(), 5u);
}

TEST(TransformPlanner, ATextThatDoesNotParseKeepsTheLastPlan) {
  TransformPlanner planner(10000);
  planner.setCheckpoint(tests::sample_checkpoint());
  planner.setTransform(tests::sample_transform(), QStringLiteral("a.yaml"));
  planner.setTransform("layer_name_to_config: [\n", QStringLiteral("a.yaml"));
  EXPECT_TRUE(planner.view()->is_stale);
  EXPECT_TRUE(planner.view()->has_plan());
  EXPECT_EQ(planner.view()->plan.counts[1].won, 8);
  EXPECT_TRUE(engine::has_errors(planner.view()->problems));
  planner.setTransform("", QStringLiteral("a.yaml"));
  EXPECT_FALSE(planner.view()->is_stale) << "an empty text has no rules";
  EXPECT_TRUE(planner.view()->transform->config.rules.empty());
  planner.setTransform("layer_name_to_config: [\n", QStringLiteral("b.yaml"));
  EXPECT_TRUE(planner.view()->transform->config.rules.empty()) << "another file has no last plan";
}

TEST(TransformPlanner, EndsWhileAPlanIsUnderWay) {
  TransformPlanner planner(0);
  planner.setCheckpoint(tests::sample_checkpoint(80));
  planner.setTransform(slow_rules(), QStringLiteral("a.yaml"));
}

}  // namespace
