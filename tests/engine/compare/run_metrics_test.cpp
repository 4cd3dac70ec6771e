// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/compare/run_metrics.h"

#include "engine/compare/curve_difference.h"
#include "engine/compare/run_statistic.h"
#include "engine/error.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace {

using namespace engine;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

RunEvent at(double time, RunEventBody body) { return {time, std::move(body)}; }

RunEvent started(double time, std::int64_t step, const std::string& from = "") {
  RunStarted event;
  event.step = step;
  event.resumed_from = from;
  event.tokens_per_step = 100;
  return at(time, event);
}

RunEvent logged(double time, std::int64_t step, double loss) {
  StepLogged event;
  event.step = step;
  event.loss = loss;
  event.tokens = step * 100;
  return at(time, event);
}

RunMetrics metrics_of(const std::vector<double>& steps, const std::vector<double>& values) {
  RunMetrics metrics;
  metrics.add("loss", steps, values);
  return metrics;
}

std::vector<double> copy(std::span<const double> values) { return {values.begin(), values.end()}; }

TEST(RunMetrics, ResumeLeavesDownTimeAndSupersededStepsOut) {
  RunMetrics metrics;
  RunUpdate first;
  first.events = {started(1000, 0), logged(1010, 10, 3), logged(1020, 20, 2), logged(1030, 30, 9)};
  metrics.apply(first);
  RunUpdate second;
  second.rewind_to = 20;
  second.events = {started(5000, 20, "checkpoint-20"), logged(5010, 30, 1)};
  metrics.apply(second);
  const auto loss = metrics.find("loss");
  ASSERT_TRUE(loss);
  EXPECT_EQ(copy(loss->step), (std::vector<double>{10, 20, 30}));
  EXPECT_EQ(copy(loss->value), (std::vector<double>{3, 2, 1}));
  EXPECT_EQ(copy(loss->seconds), (std::vector<double>{10, 20, 30})) << "not the night between";
  ASSERT_EQ(metrics.parts().size(), 2u);
  EXPECT_EQ(metrics.parts()[1].resumed_from, "checkpoint-20");
}

TEST(RunMetrics, EvaluationsKnowTheirTokens) {
  RunMetrics metrics;
  RunUpdate update;
  Evaluated evaluated;
  evaluated.step = 7;
  evaluated.eval_loss = 1.5;
  update.events = {started(0, 0), logged(10, 5, 3), at(14, evaluated)};
  metrics.apply(update);
  const auto loss = metrics.find("eval_loss");
  ASSERT_TRUE(loss);
  EXPECT_EQ(loss->tokens[0], 700);
  EXPECT_FALSE(metrics.find("no_such_metric"));
}

TEST(RunMetrics, AStepLoggedAgainReplacesTheOldOne) {
  RunMetrics metrics;
  RunUpdate update;
  update.events = {started(0, 0), logged(1, 10, 3), logged(2, 10, 2)};
  metrics.apply(update);
  EXPECT_EQ(copy(metrics.find("loss")->value), std::vector<double>{2});
}

TEST(RunStatistic, IsWhatItsNameSays) {
  const RunMetrics metrics = metrics_of({10, 20, 30, 40}, {4, kNaN, 1, 2});
  const CurveView curve = *metrics.find("loss");
  const auto value = [&](const char* text) {
    return *statistic_of(curve, parse_statistic(text, ""));
  };
  EXPECT_EQ(value("last").value, 2);
  EXPECT_EQ(value("min").value, 1);
  EXPECT_EQ(value("min").step, 30);
  EXPECT_EQ(value("min").non_finite, 1);
  EXPECT_EQ(value("max").value, 4);
  EXPECT_EQ(value("mean:2").value, 1.5);
  EXPECT_TRUE(std::isnan(value("mean:3").value)) << "a NaN is never averaged away";
  EXPECT_EQ(value("at:35").value, 1);
  EXPECT_EQ(value("at:35").step, 30);
  EXPECT_FALSE(statistic_of(curve, parse_statistic("at:5", "")));
  for (const char* text : {"last", "min", "max", "mean:10", "at:500"})
    EXPECT_EQ(to_string(parse_statistic(text, "")), text);
  for (const char* text : {"mean", "mean:0", "mean:x", "at:-1", "median"})
    EXPECT_THROW(parse_statistic(text, "--statistic"), Error) << text;
}

TEST(CurveDifference, StepsAreIntersectedAndEndsAreGaps) {
  const RunMetrics a = metrics_of({10, 20, 30, 40}, {4, 3, 2, 1});
  const RunMetrics b = metrics_of({20, 30, 35}, {3, 2.5, 9});
  const auto difference = curve_difference(*a.find("loss"), {}, *b.find("loss"), {});
  ASSERT_EQ(difference.points.size(), 2u);
  EXPECT_EQ(difference.points[1].x, 30);
  EXPECT_EQ(difference.points[1].value(), 0.5);
  EXPECT_EQ(difference.first_difference, 30);
  ASSERT_EQ(difference.gaps.size(), 2u);
  EXPECT_EQ(difference.gaps[0].reason, GapReason::only_base);
  EXPECT_EQ(difference.gaps[0].to, 20);
  EXPECT_EQ(difference.gaps[1].from, 35);
  EXPECT_EQ(difference.gaps[1].to, 40);
}

TEST(CurveDifference, NaNStretchesAndDisjointStepsAreNamed) {
  const RunMetrics a = metrics_of({10, 20, 30, 40}, {4, 3, 2, 1});
  const RunMetrics b = metrics_of({10, 20, 30, 40}, {4, kNaN, kNaN, 1});
  auto difference = curve_difference(*a.find("loss"), {}, *b.find("loss"), {});
  ASSERT_EQ(difference.gaps.size(), 1u);
  EXPECT_EQ(difference.gaps[0].reason, GapReason::not_finite);
  EXPECT_EQ(difference.gaps[0].from, 20);
  EXPECT_EQ(difference.gaps[0].to, 30);
  EXPECT_EQ(difference.first_difference, 20);

  const RunMetrics c = metrics_of({15, 25}, {4, 3});
  difference = curve_difference(*a.find("loss"), {}, *c.find("loss"), {});
  EXPECT_TRUE(difference.points.empty());
  EXPECT_EQ(difference.gaps[1].reason, GapReason::nothing_shared);

  const RunMetrics d = metrics_of({100, 110}, {4, 3});
  difference = curve_difference(*a.find("loss"), {}, *d.find("loss"), {});
  ASSERT_EQ(difference.gaps.size(), 2u);
  EXPECT_EQ(difference.gaps[0].reason, GapReason::only_base);
  EXPECT_EQ(difference.gaps[1].reason, GapReason::only_other);
}

TEST(CurveDifference, OverTimeTheValueAtOrBeforeIsTaken) {
  RunMetrics a, b;
  a.add("loss", {1, 2, 3}, {10, 20, 30}, {}, {0, 5, 10});
  b.add("loss", {1, 2, 3, 4}, {1, 2, 3, 4}, {}, {1, 4.9, 5, 12});
  const XScale time{.axis = XAxis::time};
  const auto difference = curve_difference(*a.find("loss"), time, *b.find("loss"), time);
  ASSERT_EQ(difference.points.size(), 3u);
  EXPECT_EQ(difference.points[1].base, 10) << "4.9 s: the value of 0 s, not that of 5 s";
  EXPECT_EQ(difference.points[2].base, 20);
}

TEST(CurveDifference, AlignsAtAStep) {
  const RunMetrics a = metrics_of({10, 20, 30}, {1, 2, 3});
  const RunMetrics b = metrics_of({110, 120, 130}, {1, 2, 4});
  const auto difference =
      curve_difference(*a.find("loss"), {.zero_step = 10.0}, *b.find("loss"), {.zero_step = 110.0});
  ASSERT_EQ(difference.points.size(), 3u);
  EXPECT_EQ(difference.first_difference, 20);
}

/// How many of 200 pairs of curves of the same noise leave the band, when `other` is moved by
/// `shift` from half its way on.
int divergences(double shift, std::vector<double>* where = nullptr) {
  std::mt19937_64 generator(11);
  std::normal_distribution<double> noise(0, 0.1);
  int count = 0;
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<double> steps, a, b;
    for (int i = 0; i < 500; ++i) {
      const double curve = 2 + std::exp(-i / 100.0);
      steps.push_back(i);
      a.push_back(curve + noise(generator));
      b.push_back(curve + noise(generator) + (i >= 250 ? shift : 0));
    }
    const RunMetrics one = metrics_of(steps, a), other = metrics_of(steps, b);
    const auto difference = curve_difference(*one.find("loss"), {}, *other.find("loss"), {});
    if (!difference.leaves_band_at) continue;
    ++count;
    if (where != nullptr) where->push_back(*difference.leaves_band_at);
  }
  return count;
}

TEST(CurveDifference, BandHoldsNoiseAndLosesAShift) {
  EXPECT_LE(divergences(0), 20) << "5 % of 200 are expected at most";
  std::vector<double> where;
  EXPECT_GE(divergences(0.3, &where), 195);
  int near = 0;
  for (const double x : where) near += x >= 250 && x <= 275 ? 1 : 0;
  EXPECT_GE(near, 180);
}

TEST(RunMetrics, AScaledMetricGoesOnWithTheOther) {
  RunMetrics metrics;
  Evaluated first;
  first.step = 10;
  first.eval_loss = 2;
  RunUpdate update;
  update.events.push_back({1, first});
  metrics.add_scaled("half", "eval_loss", 0.5);
  metrics.apply(update);
  metrics.add_scaled("double", "eval_loss", 2);
  metrics.add_scaled("double", "eval_loss", 3);
  metrics.add_scaled("other", "bleu", 2);
  Evaluated second = first;
  second.step = 20;
  second.eval_loss = 3;
  update.events = {{2, second}};
  metrics.apply(update);
  EXPECT_EQ(metrics.find("half")->value[0], 1);
  EXPECT_EQ(metrics.find("double")->value[0], 4);
  EXPECT_EQ(metrics.find("double")->value[1], 6);
  EXPECT_FALSE(metrics.find("other"));
  update.events = {{3, first}};
  update.restarted = true;
  metrics.apply(update);
  EXPECT_EQ(metrics.find("double")->value.size(), 1u) << "a run that starts over keeps it";
}

}  // namespace
