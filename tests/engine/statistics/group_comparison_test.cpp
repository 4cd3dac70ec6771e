// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/statistics/group_comparison.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <random>

namespace {

using namespace engine;

std::vector<SeedResult> results(const std::vector<double>& values, std::int64_t first_seed = 0) {
  std::vector<SeedResult> list;
  for (const double value : values)
    list.push_back({first_seed + static_cast<std::int64_t>(list.size()), value});
  return list;
}

/// The share of `trials` in which two groups of `seeds` results, correlated by `rho` through their
/// seeds and `shift` standard deviations apart, are told apart at 95 %.
double share_found(int trials, int seeds, double rho, double shift) {
  std::mt19937_64 generator(2024);
  std::normal_distribution<double> normal;
  int found = 0;
  for (int trial = 0; trial < trials; ++trial) {
    std::vector<double> a, b;
    for (int i = 0; i < seeds; ++i) {
      const double common = std::sqrt(rho) * normal(generator);
      a.push_back(common + std::sqrt(1 - rho) * normal(generator));
      b.push_back(common + std::sqrt(1 - rho) * normal(generator) + shift);
    }
    found += compare_groups(results(a), results(b), 0.95).is_distinguishable(0.95) ? 1 : 0;
  }
  return double(found) / trials;
}

TEST(GroupComparison, EqualGroupsAreCalledDifferentAsOftenAsStated) {
  for (const double rho : {0.0, 0.3, 0.9}) {
    const double share = share_found(1000, 5, rho, 0);
    EXPECT_GE(share, 0.03) << "rho " << rho;
    EXPECT_LE(share, 0.07) << "rho " << rho;
  }
}

/// The same with 20 real replicas of the demo, five against five others at random; once with seeds
/// of their own, once as if they shared them.
TEST(GroupComparison, RealReplicasAreCalledDifferentAsOftenAsStated) {
  std::ifstream file(PARADIGM_SOURCE_DIR "/tests/golden/replicas/demo_plain_eval_loss.txt");
  std::vector<double> losses;
  for (double loss; file >> loss;) losses.push_back(loss);
  ASSERT_EQ(losses.size(), 20u);
  std::mt19937_64 generator(1);
  for (const std::int64_t first_of_others : {100, 0}) {
    int found = 0;
    for (int trial = 0; trial < 1000; ++trial) {
      std::shuffle(losses.begin(), losses.end(), generator);
      const auto a = results({losses.begin(), losses.begin() + 5});
      const auto b = results({losses.begin() + 5, losses.begin() + 10}, first_of_others);
      found += compare_groups(a, b, 0.95).is_distinguishable(0.95) ? 1 : 0;
    }
    EXPECT_GE(found, 30) << first_of_others;
    EXPECT_LE(found, 70) << first_of_others;
  }
}

TEST(GroupComparison, FindsTwoSigmaWithFivePairsOfCorrelatedSeeds) {
  EXPECT_GE(share_found(1000, 5, 0.9, 2), 0.95);
}

TEST(GroupComparison, StudentsAndWelchsTAreThoseOfTheTextbook) {
  // Student's sleep data; R: t.test(extra ~ group, paired) and unpaired.
  const std::vector<double> one = {0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0};
  const std::vector<double> two = {1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};
  const GroupDifference paired = compare_groups(results(one), results(two), 0.95);
  EXPECT_EQ(paired.method, ComparisonMethod::paired_t);
  EXPECT_NEAR(paired.p, 0.002833, 5e-7);
  EXPECT_NEAR(paired.difference.low, 0.7001142, 5e-7);
  EXPECT_NEAR(paired.difference.high, 2.4598858, 5e-7);
  EXPECT_NEAR(*paired.correlation, 0.7951702, 5e-7);
  const GroupDifference welch = compare_groups(results(one), results(two, 100), 0.95);
  EXPECT_EQ(welch.method, ComparisonMethod::welch_t);
  EXPECT_NEAR(welch.freedom, 17.776, 5e-4);
  EXPECT_NEAR(welch.p, 0.07939, 5e-6);
  EXPECT_NEAR(welch.difference.low, -0.2054832, 5e-7);
}

TEST(GroupComparison, SaysNothingWithoutASpread) {
  EXPECT_EQ(compare_groups(results({1}), results({2}), 0.95).method, ComparisonMethod::none);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto diverged = compare_groups(results({1, 2, 3}), results({1, nan, 3}), 0.95);
  EXPECT_EQ(diverged.method, ComparisonMethod::none);
  EXPECT_FALSE(diverged.is_distinguishable(0.95));
  const auto one = compare_groups(results({1.0, 1.1, 0.9}), results({1.5}, 7), 0.95);
  EXPECT_EQ(one.method, ComparisonMethod::one_spread);
  EXPECT_NEAR(one.difference.value, 0.5, 1e-12);
  EXPECT_NEAR(one.difference.high - one.difference.value,
              4.302652729911275 * 0.1 * std::sqrt(1 + 1.0 / 3), 1e-9);
}

TEST(GroupComparison, IdenticalRunsAreNotDifferent) {
  const auto same = compare_groups(results({1, 1, 1}), results({1, 1, 1}), 0.95);
  EXPECT_EQ(same.p, 1);
  EXPECT_FALSE(same.is_distinguishable(0.95));
  EXPECT_FALSE(seeds_needed(same, 0.95));
}

TEST(GroupComparison, SeedsNeededWouldIndeedFindIt) {
  const std::vector<double> a = {0.0, 1.0, -1.0, 0.5}, b = {0.9, 0.2, 1.4, -0.3};
  const auto result = compare_groups(results(a), results(b, 50), 0.95);
  const auto needed = seeds_needed(result, 0.95);
  ASSERT_TRUE(needed);
  EXPECT_LE(needed->low, needed->more);
  EXPECT_GE(needed->high, needed->more);
  const double sd = std::sqrt((0.729166666 + 0.576666666) / 2);
  const double found =
      share_found(1000, int(4 + needed->more), 0.0, std::abs(result.difference.value) / sd);
  EXPECT_NEAR(found, 0.8, 0.05);
}

TEST(GroupComparison, HolmStepsDown) {
  GroupDifference a, b, c, none;
  a.p = 0.01;
  b.p = 0.04;
  c.p = 0.03;
  apply_holm({&a, &b, &c, &none});
  EXPECT_NEAR(a.adjusted_p, 0.03, 1e-15);
  EXPECT_NEAR(c.adjusted_p, 0.06, 1e-15);
  EXPECT_NEAR(b.adjusted_p, 0.06, 1e-15) << "never below a smaller p";
  EXPECT_TRUE(std::isnan(none.adjusted_p));
}

TEST(SpreadSources, TellsSeedsFromDraws) {
  std::mt19937_64 generator(3);
  std::normal_distribution<double> normal;
  std::vector<std::vector<double>> draws;
  for (int seed = 0; seed < 400; ++seed) {
    const double centre = 3 * normal(generator);
    draws.emplace_back();
    for (int draw = 0; draw < 2 + seed % 3; ++draw)
      draws.back().push_back(centre + normal(generator));
  }
  const SpreadSources sources = spread_sources(draws);
  EXPECT_NEAR(sources.between_seeds, 3, 0.3);
  EXPECT_NEAR(sources.between_draws, 1, 0.1);
  EXPECT_TRUE(std::isnan(spread_sources({{1.0}, {2.0}}).between_draws));
  EXPECT_TRUE(std::isnan(spread_sources({{1.0, 2.0}}).between_seeds));
}

}  // namespace
