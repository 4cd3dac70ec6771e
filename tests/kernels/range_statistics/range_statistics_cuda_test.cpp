// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/range_statistics/range_statistics.h"
#include "tests/support/cuda_buffer.h"

#include <gtest/gtest.h>

#ifdef PARADIGM_WITH_CUDA

#include <cmath>
#include <random>

namespace kernels {
namespace {

Range range_on_device(const std::vector<float>& x) {
  const tests::CudaBuffer<float> values(x);
  const tests::CudaBuffer<int> observed(3);
  const tests::CudaBuffer<float> range(2);
  cuda::clear(observed.data(), {});
  cuda::observe(values.data(), ElementType::fp32, static_cast<std::int64_t>(x.size()),
                observed.data(), {});
  cuda::store_range(observed.data(), range.data(), {});
  const auto host = range.host();
  return {host[0], host[1]};
}

TEST(RangeStatisticsCuda, EqualsTheReferenceOnEverySize) {
  SKIP_WITHOUT_DEVICE();
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0.3f, 20.0f);
  for (const int count : {1, 2, 31, 33, 1000, 100003}) {
    std::vector<float> x(count);
    for (float& value : x) value = normal(random);
    const Range expected = reference::min_max(x.data(), count);
    const Range actual = range_on_device(x);
    EXPECT_EQ(actual.lo, expected.lo) << count;
    EXPECT_EQ(actual.hi, expected.hi) << count;
  }
}

TEST(RangeStatisticsCuda, NaNWinsAndInfinitiesCount) {
  SKIP_WITHOUT_DEVICE();
  EXPECT_TRUE(std::isnan(range_on_device({1, NAN, 2}).lo));
  EXPECT_EQ(range_on_device({-INFINITY, 3}).lo, -INFINITY);
  EXPECT_EQ(range_on_device({-INFINITY, 3}).hi, 3);
  EXPECT_EQ(range_on_device({-3, -2}).hi, -2);
}

TEST(RangeStatisticsCuda, UpdateEqualsTheHostBitForBitAndRejectsWhatIsNotFinite) {
  SKIP_WITHOUT_DEVICE();
  const tests::CudaBuffer<float> state({INFINITY, -INFINITY});
  const tests::CudaBuffer<int> observed(3);
  const tests::CudaBuffer<float> range(2);
  const tests::CudaBuffer<int> rejected(std::vector<int>{0});
  float expected[2] = {INFINITY, -INFINITY};
  const std::vector<std::vector<float>> batches = {{-1, 2}, {-1.7f, 0.3f}, {NAN, 5}, {-9, 11.1f}};
  for (const auto& batch : batches) {
    const tests::CudaBuffer<float> values(batch);
    cuda::clear(observed.data(), {});
    cuda::observe(values.data(), ElementType::fp32, 2, observed.data(), {});
    cuda::store_range(observed.data(), range.data(), {});
    cuda::update_range(state.data(), range.data(), 0.9f, rejected.data(), {});
    update_range(expected, reference::min_max(batch.data(), 2), 0.9f);
    const auto actual = state.host();
    EXPECT_EQ(actual[0], expected[0]);
    EXPECT_EQ(actual[1], expected[1]);
  }
  EXPECT_EQ(rejected.host()[0], 1);
}

TEST(RangeStatisticsCuda, CountsWhatLiesOutsideARange) {
  SKIP_WITHOUT_DEVICE();
  std::mt19937 random(5);
  std::normal_distribution<float> normal(0, 1);
  const tests::CudaBuffer<float> range({-1.5f, 1.25f});
  for (const int count : {1, 3, 1000, 100003}) {
    std::vector<float> x(count);
    for (float& value : x) value = normal(random);
    x[0] = NAN;
    if (count > 4) x[1] = INFINITY, x[2] = -1.5f, x[3] = 1.25f;
    const auto expected = std::count_if(x.begin(), x.end(),
                                        [](float value) { return value < -1.5f || value > 1.25f; });
    const tests::CudaBuffer<float> values(x);
    const tests::CudaBuffer<unsigned long long> outside(std::vector<unsigned long long>{0});
    cuda::count_outside(values.data(), count, range.data(), outside.data(), {});
    EXPECT_EQ(outside.host()[0], static_cast<unsigned long long>(expected)) << count;
    // And the tail from an address that is not aligned.
    cuda::count_outside(values.data() + 1, count - 1, range.data(), outside.data(), {});
    EXPECT_EQ(outside.host()[0], 2 * static_cast<unsigned long long>(expected)) << count;
  }
}

Range quantiles_on_device(const std::vector<float>& x, const Range& extent, double q, double r) {
  const tests::CudaBuffer<float> values(x);
  const tests::CudaBuffer<float> bounds({extent.lo, extent.hi});
  const tests::CudaBuffer<unsigned long long> counts(Histogram::kBins);
  const tests::CudaBuffer<float> range(2);
  cuda::clear_histogram(counts.data(), {});
  // In two pieces, the second of which is not aligned.
  const auto size = static_cast<std::int64_t>(x.size());
  const std::int64_t half = size / 2;
  cuda::count_values(values.data(), ElementType::fp32, half, bounds.data(), counts.data(), {});
  cuda::count_values(values.data() + half, ElementType::fp32, size - half, bounds.data(),
                     counts.data(), {});
  cuda::store_quantiles(counts.data(), bounds.data(), q, r, range.data(), {});
  const auto host = range.host();
  return {host[0], host[1]};
}

TEST(RangeStatisticsCuda, QuantilesHaveTheBitsOfTheHistogramAndErrByABinAtMost) {
  SKIP_WITHOUT_DEVICE();
  std::mt19937 random(2);
  std::normal_distribution<float> normal(-1.0f, 3.0f);
  for (const int count : {1, 2, 33, 1000, 300001}) {
    std::vector<float> x(count);
    for (float& value : x) value = normal(random);
    const Range extent = reference::min_max(x.data(), count);
    Histogram histogram(extent);
    histogram.add(x.data(), count);
    for (const auto& [q, r] : {std::pair{0.001, 0.999}, {0.25, 0.5}, {0.0, 1.0}}) {
      const Range actual = quantiles_on_device(x, extent, q, r);
      EXPECT_EQ(actual.lo, histogram.quantile(q)) << count << " " << q;
      EXPECT_EQ(actual.hi, histogram.quantile(r)) << count << " " << r;
      const Range exact = reference::quantiles(x.data(), count, q, r);
      const float bin = (extent.hi - extent.lo) / Histogram::kBins;
      EXPECT_NEAR(actual.lo, exact.lo, 1.01f * bin);
      EXPECT_NEAR(actual.hi, exact.hi, 1.01f * bin);
    }
  }
}

TEST(RangeStatisticsCuda, QuantilesOfAConstantAreItAndAnExtentThatIsNotFiniteIsHandedOn) {
  SKIP_WITHOUT_DEVICE();
  const Range constant = quantiles_on_device({3, 3, 3}, {3, 3}, 0.01, 0.99);
  EXPECT_EQ(constant.lo, 3);
  EXPECT_EQ(constant.hi, 3);
  const Range infinite = quantiles_on_device({1, INFINITY}, {1, INFINITY}, 0.01, 0.99);
  EXPECT_EQ(infinite.lo, 1);
  EXPECT_EQ(infinite.hi, INFINITY);
  EXPECT_TRUE(std::isnan(quantiles_on_device({NAN, 1}, {NAN, NAN}, 0.01, 0.99).lo));
}

}  // namespace
}  // namespace kernels

#else
TEST(RangeStatisticsCuda, IsNotBuilt) { GTEST_SKIP() << "built without CUDA"; }
#endif
