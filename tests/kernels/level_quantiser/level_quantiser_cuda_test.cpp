// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/level_quantiser/level_quantiser.h"
#include "tests/support/cuda_buffer.h"

#include <gtest/gtest.h>

#ifdef PARADIGM_WITH_CUDA

#include <cmath>
#include <cstring>
#include <random>

namespace kernels {
namespace {

std::vector<float> values_around(float lo, float hi, int count) {
  std::mt19937 random(static_cast<unsigned>(count));
  std::normal_distribution<float> normal((lo + hi) / 2, (hi - lo) / 2 + 0.1f);
  std::vector<float> x(count);
  for (float& value : x) value = normal(random);
  const float special[] = {0.0f, -0.0f, NAN, INFINITY, -INFINITY, 1e-9f, lo, hi};
  for (int i = 0; i < std::min<int>(count, 8); ++i) x[i] = special[i];
  return x;
}

void expect_same_bits(const std::vector<float>& actual, const std::vector<float>& expected) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (std::isnan(expected[i])) {
      ASSERT_TRUE(std::isnan(actual[i])) << i;
    } else {
      ASSERT_EQ(std::memcmp(&actual[i], &expected[i], sizeof(float)), 0)
          << i << ": " << actual[i] << " " << expected[i];
    }
  }
}

TEST(LevelQuantiserCuda, OperandsHaveTheBitsOfTheReference) {
  SKIP_WITHOUT_DEVICE();
  const std::vector<std::pair<float, float>> ranges = {
      {-1, 1}, {-0.75f, 1.25f}, {0, 1}, {-3.7f, 900.1f}, {2, 2}};
  for (const auto& [lo, hi] : ranges) {
    for (const int levels : {2, 16, 256, 65536}) {
      for (const float lut : {0.0f, 0.02004f}) {
        for (const int count : {1, 5, 4097}) {
          const auto x = values_around(lo, hi, count);
          const float range[2] = {lo, hi};
          std::vector<float> expected(count);
          reference::quantise(x.data(), count, levels, range, lut, expected.data());
          const tests::CudaBuffer<float> in(x), out(count), device_range({lo, hi});
          cuda::quantise(in.data(), ElementType::fp32, count, levels, device_range.data(), lut,
                         out.data(), ElementType::fp32, {});
          expect_same_bits(out.host(), expected);
        }
      }
    }
  }
}

TEST(LevelQuantiserCuda, ReadOutsHaveTheBitsOfTheReferenceAndObserveTheRawRange) {
  SKIP_WITHOUT_DEVICE();
  const std::vector<float> range = {-2.5f, 3.5f};
  for (const auto& [rows, cols] : {std::pair{1, 1}, {3, 33}, {17, 100}, {64, 384}}) {
    for (const std::uint64_t first :
         {std::uint64_t{0}, std::uint64_t{12345}, std::uint64_t{1} << 33}) {
      for (const bool with_bias : {false, true}) {
        const int count = rows * cols;
        auto x = values_around(-2.5f, 3.5f, count);
        for (float& value : x) value = std::isfinite(value) ? value : 1.0f;
        std::vector<float> bias(cols);
        for (int i = 0; i < cols; ++i) bias[i] = 0.01f * static_cast<float>(i);
        ReadOut how{.levels = 256,
                    .range = range.data(),
                    .noisy = true,
                    .noise = {.key = 99, .time = {3, 1}, .first_element = first},
                    .bias = with_bias ? bias.data() : nullptr};
        std::vector<float> expected(count);
        const Range seen = reference::read_out(x.data(), rows, cols, how, expected.data(), cols);

        const tests::CudaBuffer<float> in(x), out(count), device_range(range), device_bias(bias),
            seen_range(2);
        const tests::CudaBuffer<int> observed(3);
        how.range = device_range.data();
        how.bias = with_bias ? device_bias.data() : nullptr;
        cuda::clear(observed.data(), {});
        cuda::read_out(in.data(), rows, cols, how, out.data(), ElementType::fp32, observed.data(),
                       {});
        cuda::store_range(observed.data(), seen_range.data(), {});
        expect_same_bits(out.host(), expected);
        EXPECT_EQ(seen_range.host()[0], seen.lo);
        EXPECT_EQ(seen_range.host()[1], seen.hi);
      }
    }
  }
}

}  // namespace
}  // namespace kernels

#else
TEST(LevelQuantiserCuda, IsNotBuilt) { GTEST_SKIP() << "built without CUDA"; }
#endif
