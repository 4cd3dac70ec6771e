// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/param_schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace engine {
namespace {

ParamSchedule ramp(double from, double to, std::int64_t steps, ScheduleShape shape,
                   Snap snap = Snap::none) {
  return {.from = from, .to = to, .steps = steps, .shape = shape, .snap = snap};
}

TEST(ParamSchedule, EndsAreExactAndHeld) {
  for (const ScheduleShape shape :
       {ScheduleShape::linear, ScheduleShape::cosine, ScheduleShape::log}) {
    const ParamSchedule schedule = ramp(0.1, 0.3, 7, shape);
    EXPECT_EQ(schedule.at(0), 0.1);
    EXPECT_EQ(schedule.at(7), 0.3);
    EXPECT_EQ(schedule.at(1'000'000), 0.3);
  }
}

TEST(ParamSchedule, ShapesAreTheirEquations) {
  EXPECT_DOUBLE_EQ(ramp(0.0, 1.0, 4, ScheduleShape::linear).at(1), 0.25);
  EXPECT_DOUBLE_EQ(ramp(1.0, 0.0, 4, ScheduleShape::linear).at(1), 0.75);
  EXPECT_NEAR(ramp(0.0, 1.0, 4, ScheduleShape::cosine).at(1), (1 - std::sqrt(0.5)) / 2, 1e-15);
  EXPECT_NEAR(ramp(0.0, 1.0, 4, ScheduleShape::cosine).at(2), 0.5, 1e-15);
  EXPECT_NEAR(ramp(1e-3, 1e-5, 4, ScheduleShape::log).at(2), 1e-4, 1e-18);
  EXPECT_EQ(ramp(0.5, 0.25, 1, ScheduleShape::linear).at(0), 0.5);
  EXPECT_EQ(ramp(0.5, 0.25, 1, ScheduleShape::linear).at(1), 0.25);
}

TEST(ParamSchedule, NeverLeavesItsEndsNorTurnsBack) {
  for (const ScheduleShape shape :
       {ScheduleShape::linear, ScheduleShape::cosine, ScheduleShape::log}) {
    for (const auto& [from, to] :
         std::vector<std::pair<double, double>>{{0.1, 0.7}, {0.7, 0.1}, {1e-7, 1.0}, {0.3, 0.3}}) {
      const ParamSchedule schedule = ramp(from, to, 9973, shape);
      double before = from;
      for (std::int64_t step = 0; step <= 9973; ++step) {
        const double value = schedule.at(step);
        EXPECT_GE(value, std::min(from, to));
        EXPECT_LE(value, std::max(from, to));
        EXPECT_TRUE(from <= to ? value >= before : value <= before) << step;
        before = value;
      }
    }
  }
}

TEST(ParamSchedule, SnapsToAPowerOfTwoAtEveryStep) {
  const ParamSchedule schedule =
      ramp(1e-3, 1e-5, 500, ScheduleShape::log, Snap::power_of_two_probability);
  for (std::int64_t step = 0; step <= 500; ++step) {
    int exponent = 0;
    EXPECT_EQ(std::frexp(schedule.at(step), &exponent), 0.5) << step;
    const double requested = ramp(1e-3, 1e-5, 500, ScheduleShape::log).at(step);
    EXPECT_LE(schedule.at(step), requested);
    EXPECT_GT(schedule.at(step), requested / 2);
  }
}

TEST(ParamSchedule, ANumberIsAScheduleThatDoesNotMove) {
  const ScheduledReal number = 0.25;
  EXPECT_EQ(number.at(0), 0.25);
  EXPECT_EQ(number.at(99), 0.25);
}

}  // namespace
}  // namespace engine
