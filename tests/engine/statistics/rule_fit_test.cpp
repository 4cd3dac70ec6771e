// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/statistics/rule_fit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace engine;

constexpr std::int64_t kElements = 4000;
constexpr std::int64_t kDraws = 4;

const ParamSchema& schema() {
  static const ParamSchema known = {integer("levels", 256).range(2, 65536),
                                    real("floor", unset).range(0, 1).open_above().nullable(),
                                    boolean("noise", true), choice("shape", {"plain", "odd"})};
  return known;
}

std::vector<double> inputs() {
  std::mt19937 generator(1);
  std::uniform_real_distribution<double> uniform(-2, 2);
  std::vector<double> x(kElements);
  for (double& value : x) value = uniform(generator);
  return x;
}

/// A dithered quantiser on [-2, 2] with a floor; draws from `seed` on.
std::vector<double> simulate(const ParamValues& values, std::uint32_t seed) {
  std::mt19937 noise(seed);
  std::uniform_real_distribution<double> uniform(-0.5, 0.5);
  const double top = static_cast<double>(values.get_int("levels")) - 1;
  const double floor = values.get_optional_real("floor").value_or(0);
  std::vector<double> y;
  for (std::int64_t draw = 0; draw < kDraws; ++draw) {
    for (const double value : inputs()) {
      const double xi = uniform(noise) * (values.get_bool("noise") ? 1 : 0);
      double out = std::rint((value + 2) / 4 * top + xi) / top * 4 - 2;
      if (std::abs(out) < 2 * floor) out = std::copysign(2 * floor, out);
      y.push_back(values.get_text("shape") == "odd" ? -out : out);
    }
  }
  return y;
}

ParamValues given(std::int64_t levels, bool noise, ParamValue floor = unset) {
  ParamValues values;
  values.set("levels", levels);
  values.set("noise", noise);
  values.set("floor", floor);
  return schema().effective(values);
}

RuleFit fitted(const ParamValues& start, const ParamValues& truth) {
  return fit_rule(
      schema(), {"levels", "noise", "floor"}, start, inputs(), simulate(truth, 99),
      [](const ParamValues& values) { return simulate(values, 5); }, 0.99);
}

TEST(RuleFit, FindsTheLevelsOfTheHardware) {
  const RuleFit fit = fitted(given(256, true), given(24, true));
  EXPECT_EQ(fit.values.get_int("levels"), 24);
  EXPECT_TRUE(fit.values.get_bool("noise"));
  EXPECT_GT(fit.improvement.low, 0);
  EXPECT_LT(fit.score_fitted, fit.score_given);
  EXPECT_EQ(fit.parameters[0].given, "256");
}

TEST(RuleFit, FindsThatThereIsNoNoiseAndAFloor) {
  const RuleFit fit = fitted(given(16, true), given(16, false, 0.2));
  EXPECT_EQ(fit.values.get_int("levels"), 16);
  EXPECT_FALSE(fit.values.get_bool("noise"));
  EXPECT_NEAR(fit.values.get_optional_real("floor").value_or(0), 0.2, 0.07);
}

TEST(RuleFit, LeavesARightRuleAlone) {
  const RuleFit fit = fitted(given(40, true), given(40, true));
  EXPECT_EQ(fit.values.get_int("levels"), 40);
  EXPECT_FALSE(is_set(fit.values.get("floor")));
  EXPECT_EQ(fit.values.get_text("shape"), "plain");
  EXPECT_EQ(fit.improvement.value, 0);
}

TEST(FitCandidates, AreTheValuesWorthTrying) {
  const auto levels = fit_candidates(*schema().find("levels"), std::int64_t{256});
  EXPECT_EQ(levels.size(), 16u);
  EXPECT_EQ(levels.back(), ParamValue(std::int64_t{2}));
  EXPECT_EQ(fit_candidates(*schema().find("noise"), true).size(), 2u);
  EXPECT_EQ(fit_candidates(*schema().find("shape"), std::string("odd")).size(), 2u);
  const auto p = fit_candidates(
      probability("p", unset).range(0x1p-24, 1).nullable().snaps(Snap::power_of_two_probability),
      unset);
  EXPECT_FALSE(is_set(p.front()));
  EXPECT_EQ(p.back(), ParamValue(0x1p-24));
  const auto open = fit_candidates(real("t", unset).range(0, INFINITY).nullable(), 30.0);
  EXPECT_EQ(open.size(), 15u);  // null, six octaves to both sides, 0
}

}  // namespace
