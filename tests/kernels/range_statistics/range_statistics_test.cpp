// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/range_statistics/range_statistics.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <random>
#include <string>
#include <vector>

namespace {

using kernels::Range;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

std::vector<float> normal_values(std::size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> values(count);
  for (float& value : values) value = normal(generator);
  return values;
}

bool same(const Range& a, const Range& b) {
  if (std::isnan(a.lo) && std::isnan(b.lo)) return std::isnan(a.hi) && std::isnan(b.hi);
  return std::bit_cast<std::uint32_t>(a.lo) == std::bit_cast<std::uint32_t>(b.lo) &&
         std::bit_cast<std::uint32_t>(a.hi) == std::bit_cast<std::uint32_t>(b.hi);
}

TEST(RangeStatistics, VectorisedMinMaxEqualsReference) {
  for (const std::size_t count : {0, 1, 2, 31, 32, 33, 63, 64, 65, 1000, 4097}) {
    std::vector<float> x = normal_values(count, 1);
    EXPECT_TRUE(
        same(kernels::cpu::min_max(x.data(), count), kernels::reference::min_max(x.data(), count)))
        << count;
    for (const float special : {kNaN, kInfinity, -kInfinity, 0.0f, -0.0f}) {
      if (count == 0) continue;
      for (const std::size_t place : {std::size_t{0}, count / 2, count - 1}) {
        std::vector<float> y = x;
        y[place] = special;
        EXPECT_TRUE(same(kernels::cpu::min_max(y.data(), count),
                         kernels::reference::min_max(y.data(), count)))
            << count << " " << special << " at " << place;
      }
    }
  }
  const float zeros[2] = {-0.0f, 0.0f};
  EXPECT_TRUE(same(kernels::cpu::min_max(zeros, 2), {0.0f, 0.0f}));
}

TEST(RangeStatistics, NaNAnywhereMakesTheRangeNaN) {
  std::vector<float> x = normal_values(100, 2);
  x[57] = kNaN;
  EXPECT_FALSE(is_finite(kernels::cpu::min_max(x.data(), 100)));
  EXPECT_TRUE(std::isnan(kernels::merge({0, 1}, kernels::cpu::min_max(x.data(), 100)).lo));
  EXPECT_TRUE(std::isnan(kernels::merge(kernels::cpu::min_max(x.data(), 100), {0, 1}).lo));
}

TEST(RangeStatistics, EveryInstructionSetGivesTheSameBits) {
  for (const char* isa : {"generic", "avx2"}) {
    const std::string command = std::string("PARADIGM_ISA=") + isa + " /proc/" +
                                std::to_string(getpid()) +
                                "/exe --gtest_filter=RangeStatistics.Vectorised* > /dev/null";
    EXPECT_EQ(std::system(command.c_str()), 0) << isa;
  }
}

TEST(RangeStatistics, QuantilesOfKnownTensors) {
  const std::vector<float> x = {5, 1, 3, 2, 4};
  const Range quarter = kernels::cpu::quantiles(x.data(), 5, 0.25, 0.75);
  EXPECT_EQ(quarter.lo, 2.0f);
  EXPECT_EQ(quarter.hi, 4.0f);
  const Range tenth = kernels::cpu::quantiles(x.data(), 5, 0.1, 0.9);
  EXPECT_FLOAT_EQ(tenth.lo, 1.4f);
  EXPECT_FLOAT_EQ(tenth.hi, 4.6f);
}

TEST(RangeStatistics, SelectedQuantilesEqualSortedOnes) {
  for (const std::size_t count : {1, 2, 3, 10, 101, 5000}) {
    const std::vector<float> x = normal_values(count, 4);
    for (const auto& [q, r] : std::vector<std::pair<double, double>>{
             {0.001, 0.999}, {0.25, 0.75}, {0.4, 0.4001}, {0, 1}}) {
      EXPECT_TRUE(same(kernels::cpu::quantiles(x.data(), count, q, r),
                       kernels::reference::quantiles(x.data(), count, q, r)))
          << count << " " << q;
    }
  }
  EXPECT_FALSE(is_finite(kernels::cpu::quantiles(nullptr, 0, 0.1, 0.9)));
}

TEST(RangeStatistics, HistogramQuantileIsWithinOneBin) {
  const std::size_t count = 20'001;
  std::vector<float> x = normal_values(count, 9);
  x[5] = 40.0f;  // an outlier stretches the bins
  const Range extent = kernels::cpu::min_max(x.data(), count);
  kernels::Histogram whole(extent), part(extent);
  whole.add(x.data(), 10'000);
  part.add(x.data() + 10'000, count - 10'000);
  whole.merge(part);
  const double bin = (extent.hi - extent.lo) / kernels::Histogram::kBins;
  for (const double q : {0.0, 0.001, 0.01, 0.5, 0.99, 0.999, 0.99999, 1.0}) {
    EXPECT_NEAR(whole.quantile(q), kernels::reference::quantiles(x.data(), count, q, q).lo, bin)
        << q;
  }
}

TEST(RangeStatistics, HistogramOfAConstantIsTheConstant) {
  const std::vector<float> x(100, 2.5f);
  kernels::Histogram histogram({2.5f, 2.5f});
  histogram.add(x.data(), 100);
  EXPECT_EQ(histogram.quantile(0.3), 2.5f);
}

TEST(RangeStatistics, FirstObservationIsTakenLaterOnesAreAveraged) {
  float state[2] = {kInfinity, -kInfinity};
  EXPECT_TRUE(kernels::update_range(state, {-1, 2}, 0.9f));
  EXPECT_EQ(state[0], -1.0f);
  EXPECT_EQ(state[1], 2.0f);
  EXPECT_TRUE(kernels::update_range(state, {-3, 4}, 0.9f));
  EXPECT_FLOAT_EQ(state[0], -1.2f);
  EXPECT_FLOAT_EQ(state[1], 2.2f);
  for (const Range& bad : {Range{kNaN, kNaN}, Range{-kInfinity, 1}, Range{0, kInfinity}, Range{}}) {
    EXPECT_FALSE(kernels::update_range(state, bad, 0.9f));
    EXPECT_FLOAT_EQ(state[0], -1.2f);
    EXPECT_FLOAT_EQ(state[1], 2.2f);
  }
}

TEST(RangeStatistics, SmallDriftIsTracked) {
  float state[2] = {-1, 1};
  for (int i = 0; i < 200; ++i) kernels::update_range(state, {-1.001f, 1.001f}, 0.9f);
  EXPECT_NEAR(state[1], 1.001f, 1e-6f);
}

}  // namespace
