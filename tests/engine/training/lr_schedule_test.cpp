// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/lr_schedule.h"

#include <gtest/gtest.h>

#include <cmath>

namespace engine {
namespace {

TEST(LrSchedule, WarmsUpLinearlyFromZero) {
  for (const char* type : {"linear", "cosine", "constant_with_warmup"}) {
    const LrSchedule schedule{.type = type, .peak = 2, .warmup_steps = 4, .total_steps = 12};
    EXPECT_DOUBLE_EQ(schedule.at(0), 0);
    EXPECT_DOUBLE_EQ(schedule.at(1), 0.5);
    EXPECT_DOUBLE_EQ(schedule.at(3), 1.5);
    EXPECT_DOUBLE_EQ(schedule.at(4), 2);
  }
}

TEST(LrSchedule, LinearReachesZeroAtTheEnd) {
  const LrSchedule schedule{.type = "linear", .peak = 2, .warmup_steps = 4, .total_steps = 12};
  EXPECT_DOUBLE_EQ(schedule.at(8), 1);
  EXPECT_DOUBLE_EQ(schedule.at(11), 0.25);
  EXPECT_DOUBLE_EQ(schedule.at(12), 0);
  EXPECT_DOUBLE_EQ(schedule.at(13), 0);
}

TEST(LrSchedule, CosineIsHalfInTheMiddle) {
  const LrSchedule schedule{.type = "cosine", .peak = 2, .warmup_steps = 0, .total_steps = 8};
  EXPECT_DOUBLE_EQ(schedule.at(0), 2);
  EXPECT_NEAR(schedule.at(4), 1, 1e-15);
  EXPECT_NEAR(schedule.at(2), 1 + std::sqrt(0.5), 1e-15);
  EXPECT_NEAR(schedule.at(8), 0, 1e-15);
}

TEST(LrSchedule, ConstantKnowsNoWarmUp) {
  const LrSchedule schedule{.type = "constant", .peak = 2, .warmup_steps = 4, .total_steps = 12};
  EXPECT_DOUBLE_EQ(schedule.at(0), 2);
  EXPECT_DOUBLE_EQ(schedule.at(11), 2);
}

TEST(LrSchedule, AllWarmUpIsNoDivisionByZero) {
  const LrSchedule schedule{.type = "linear", .peak = 2, .warmup_steps = 3, .total_steps = 3};
  EXPECT_DOUBLE_EQ(schedule.at(2), 4.0 / 3);
  EXPECT_DOUBLE_EQ(schedule.at(3), 2);
}

TEST(LrSchedule, WarmupStepsWinOverTheRatio) {
  EXPECT_EQ(resolved_warmup(7, 0.5, 100), 7);
  EXPECT_EQ(resolved_warmup(0, 0.1, 101), 11);
  EXPECT_EQ(resolved_warmup(0, 0, 100), 0);
}

TEST(LrSchedule, HoldsItsLastRateBeyondItsEndWhenAskedTo) {
  for (const char* type : {"linear", "cosine"}) {
    const LrSchedule schedule{
        .type = type, .peak = 2, .warmup_steps = 4, .total_steps = 12, .holds_end = true};
    EXPECT_DOUBLE_EQ(schedule.at(3), 1.5) << type;
    EXPECT_GT(schedule.at(11), 0) << type;
    EXPECT_DOUBLE_EQ(schedule.at(12), schedule.at(11)) << type;
    EXPECT_DOUBLE_EQ(schedule.at(1000), schedule.at(11)) << type;
  }
}

}  // namespace
}  // namespace engine
