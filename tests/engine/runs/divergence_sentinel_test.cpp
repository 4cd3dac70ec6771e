// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/divergence_sentinel.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>

namespace engine {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

StepLogged logged(std::int64_t step, double loss, double norm = 1) {
  return {.step = step, .loss = loss, .grad_norm = norm};
}

std::vector<std::string> kinds_of(const std::vector<DivergenceSeen>& found) {
  std::vector<std::string> kinds;
  for (const DivergenceSeen& each : found) kinds.push_back(each.kind);
  return kinds;
}

using Kinds = std::vector<std::string>;

/// A falling curve with noise of a hundredth.
double clean_loss(std::int64_t step, std::mt19937_64& random) {
  return 2 + 3 * std::exp(-double(step) / 60) + 0.02 * std::normal_distribution<>()(random);
}

TEST(DivergenceSentinel, ReportsTroubleOnceWhenItBegins) {
  DivergenceSentinel sentinel({});
  EXPECT_EQ(kinds_of(sentinel.hear(logged(1, kNan))), Kinds{"non_finite"});
  EXPECT_TRUE(sentinel.hear(logged(2, kNan)).empty());
  EXPECT_TRUE(sentinel.hear(logged(3, 5)).empty());
  EXPECT_EQ(kinds_of(sentinel.hear(logged(4, 5, kNan))), Kinds{"non_finite"});
  EXPECT_TRUE(sentinel.hear(logged(5, 5)).empty());
  const auto left_out = sentinel.hear(logged(6, 5), 2);
  ASSERT_EQ(kinds_of(left_out), Kinds{"non_finite"});
  EXPECT_NE(left_out.front().text.find("of 2 steps"), std::string::npos) << left_out.front().text;
}

TEST(DivergenceSentinel, ASpikeStandsOutOfTheRunningNoise) {
  std::mt19937_64 random(1);
  DivergenceSentinel sentinel({});
  for (std::int64_t step = 1; step <= 100; ++step) {
    ASSERT_TRUE(sentinel.hear(logged(step, clean_loss(step, random))).empty()) << step;
  }
  const auto found = sentinel.hear(logged(101, 6));
  ASSERT_EQ(kinds_of(found), Kinds{"loss_spike"});
  EXPECT_EQ(found.front().value, 6);
  EXPECT_GT(found.front().limit, 2.4);
  EXPECT_LT(found.front().limit, 5);
  EXPECT_TRUE(sentinel.hear(logged(102, 6.5)).empty()) << "the same spike";
  EXPECT_TRUE(sentinel.hear(logged(103, clean_loss(103, random))).empty());
  EXPECT_EQ(kinds_of(sentinel.hear(logged(104, 7))), Kinds{"loss_spike"}) << "another one";
}

TEST(DivergenceSentinel, NoisyCurvesNeedHigherSpikes) {
  std::mt19937_64 random(2);
  DivergenceSentinel sentinel({});
  const auto noisy = [&random] { return 4 + 0.5 * std::normal_distribution<>()(random); };
  for (std::int64_t step = 1; step <= 200; ++step) {
    ASSERT_TRUE(sentinel.hear(logged(step, noisy())).empty()) << step;
  }
  EXPECT_TRUE(sentinel.hear(logged(201, 6.5)).empty());
  EXPECT_EQ(kinds_of(sentinel.hear(logged(202, 14))), Kinds{"loss_spike"});
}

TEST(DivergenceSentinel, AGradientBlowUpIsMeasuredAgainstTheMedian) {
  DivergenceSentinel sentinel({});
  for (std::int64_t step = 1; step <= 40; ++step) {
    ASSERT_TRUE(sentinel.hear(logged(step, 3, step % 10 == 0 ? 20 : 1)).empty());
  }
  const auto found = sentinel.hear(logged(41, 3, 150));
  ASSERT_EQ(kinds_of(found), Kinds{"gradient_blow_up"});
  EXPECT_EQ(found.front().limit, 100);
}

TEST(DivergenceSentinel, APlateauIsALossThatHasNotFallen) {
  std::mt19937_64 random(3);
  DivergenceSentinel sentinel({.plateau_steps = 500});
  std::int64_t seen_at = 0;
  for (std::int64_t step = 10; step <= 2000; step += 10) {
    const double loss = 5 + 0.01 * std::normal_distribution<>()(random);
    for (const auto& found : sentinel.hear(logged(step, loss))) {
      EXPECT_EQ(found.kind, "plateau");
      EXPECT_EQ(seen_at, 0) << "told once";
      seen_at = found.step;
    }
  }
  EXPECT_GE(seen_at, 500);
  EXPECT_LE(seen_at, 1500);
}

TEST(DivergenceSentinel, ASaturatedRangeIsNamedWithItsLayer) {
  DivergenceSentinel sentinel({});
  const auto stats = [](std::int64_t step, double rate) {
    return LayerStats{.step = step,
                      .values = {{"model.layers.0.mlp.up_proj", "clamp_rate", 0.1},
                                 {"model.layers.1.mlp.up_proj", "clamp_rate", rate},
                                 {"model.layers.1.mlp.up_proj", "sqnr", 100}}};
  };
  EXPECT_TRUE(sentinel.hear(stats(50, 0.9)).empty()) << "once may be the first range";
  const auto found = sentinel.hear(stats(100, 0.9));
  ASSERT_EQ(kinds_of(found), Kinds{"saturation"});
  EXPECT_EQ(found.front().layer, "model.layers.1.mlp.up_proj");
  EXPECT_TRUE(sentinel.hear(stats(150, 0.9)).empty());
  EXPECT_TRUE(sentinel.hear(stats(200, 0.1)).empty());
  EXPECT_TRUE(sentinel.hear(stats(250, 0.9)).empty());
  EXPECT_EQ(kinds_of(sentinel.hear(stats(300, 0.9))), Kinds{"saturation"});
}

TEST(DivergenceSentinel, ZeroTurnsAJudgementOff) {
  DivergenceSentinel sentinel({.spike = 0, .gradient = 0, .plateau_steps = 0, .saturation = 0});
  for (std::int64_t step = 1; step <= 5000; ++step) {
    ASSERT_TRUE(
        sentinel.hear(logged(step, step % 100 == 0 ? 1e6 : 3, step % 90 == 0 ? 1e9 : 1)).empty());
  }
  EXPECT_TRUE(sentinel.hear(LayerStats{1, {{"a", "clamp_rate", 1}}}).empty());
  EXPECT_TRUE(sentinel.hear(LayerStats{2, {{"a", "clamp_rate", 1}}}).empty());
}

TEST(DivergenceSentinel, CleanCurvesRaiseNoAlarm) {
  const int curves = std::getenv("PARADIGM_LONG_TESTS") != nullptr ? 20000 : 400;
  std::mt19937_64 random(4);
  for (int curve = 0; curve < curves; ++curve) {
    DivergenceSentinel sentinel({});
    const double noise = 0.005 + 0.1 * double(random() % 100) / 100;
    const double pace = 10 + double(random() % 200);
    const bool has_spikes = curve % 3 == 0;  // as bit flips make them: one step in 20, up to 6 σ
    for (std::int64_t step = 1; step <= 300; ++step) {
      double deviation = std::normal_distribution<>()(random);
      if (has_spikes && random() % 20 == 0) deviation = double(random() % 600) / 100;
      const double loss = 2 + 4 * std::exp(-double(step) / pace) + noise * deviation;
      const double norm = std::exp(0.5 * std::normal_distribution<>()(random));
      const auto found = sentinel.hear(logged(step, loss, norm));
      ASSERT_TRUE(found.empty()) << curve << " " << step << " " << found.front().text;
    }
  }
}

}  // namespace
}  // namespace engine
