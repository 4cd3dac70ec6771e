// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/compare/trade_off.h"

#include "engine/compare/expression.h"
#include "engine/error.h"
#include "tests/support/sample_run.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace {

using namespace engine;

double value(const std::string& text) {
  return Expression::parse(text, "cost")
      .value([](const std::string& name) -> std::optional<double> {
        if (name == "x") return 3;
        if (name == "q_levels") return 256;
        return std::nullopt;
      })
      .value_or(-999);
}

TEST(Expression, FollowsTheRulesOfArithmetic) {
  EXPECT_EQ(value("1 + 2 * 3 - 4 / 2"), 5);
  EXPECT_EQ(value("-(x - 5) ^ 2"), -4);
  EXPECT_EQ(value("2 ^ 3 ^ 2"), 512);
  EXPECT_EQ(value("log2(q_levels) * 1.5e1"), 120);
  EXPECT_EQ(value("8 - 3 - 2"), 3);
  EXPECT_EQ(value("x * unknown"), -999) << "no value is not 0";
  EXPECT_EQ(Expression::parse("a*b + a", "").names(), (std::vector<std::string>{"a", "b"}));
}

TEST(Expression, RefusesByPlaceAndReason) {
  for (const char* text : {"", "1 +", "(1", "1 2", "sin(1)", "a b", "1 + $", "*2"}) {
    EXPECT_THROW(Expression::parse(text, "cost"), Error) << text;
  }
  EXPECT_THROW(Expression::parse(std::string(100000, '('), "cost"), Error);
  EXPECT_THROW(Expression::parse(std::string(100000, '-') + "1", "cost"), Error);
}

TEST(ParetoFront, IsThatOfBruteForce) {
  std::mt19937 generator(5);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<TradeOffPoint> points;
    for (std::size_t i = 0; i < 40; ++i)
      points.push_back({i, double(generator() % 20), double(generator() % 20)});
    std::vector<std::pair<double, double>> expected, found;
    for (const auto& one : points) {
      const bool is_beaten = std::any_of(points.begin(), points.end(), [&](const auto& other) {
        return other.cost <= one.cost && other.result <= one.result &&
               (other.cost < one.cost || other.result < one.result);
      });
      if (!is_beaten) expected.emplace_back(one.cost, one.result);
    }
    std::sort(expected.begin(), expected.end());
    expected.erase(std::unique(expected.begin(), expected.end()), expected.end());
    for (const auto& point : pareto_front(points)) found.emplace_back(point.cost, point.result);
    EXPECT_EQ(found, expected);
  }
}

TEST(Quantities, AreMetricsSettingsAndWork) {
  const tests::ScratchFolder folder;
  tests::SampleRun sample;
  sample.transform = "layer_name_to_config:\n  lm_head: {q_levels: 16}\n  default: null\n";
  tests::write_sample_run(folder / "a", sample);
  const ComparableRun run = load_run(folder / "a");
  EXPECT_EQ(quantity_of(run, "q_levels", {}), 16);
  EXPECT_EQ(quantity_of(run, "learning_rate", {}), 1e-3);
  EXPECT_EQ(quantity_of(run, "output_conversions", {}), 257) << "the head's rows";
  EXPECT_EQ(quantity_of(run, "input_conversions", {}), 32);
  EXPECT_EQ(quantity_of(run, "macs", {}), 257 * 32);
  EXPECT_FALSE(quantity_of(run, "no_such", {}));
  const auto names = quantity_names({&run});
  EXPECT_NE(std::find(names.begin(), names.end(), "q_levels"), names.end());
}

}  // namespace
