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
      for (const auto& [with_bias, frozen] :
           {std::pair{false, false}, {true, false}, {true, true}}) {
        const int count = rows * cols;
        auto x = values_around(-2.5f, 3.5f, count);
        for (float& value : x) value = std::isfinite(value) ? value : 1.0f;
        std::vector<float> bias(cols);
        for (int i = 0; i < cols; ++i) bias[i] = 0.01f * static_cast<float>(i);
        ReadOut how{.levels = 256,
                    .range = range.data(),
                    .noisy = true,
                    .noise = {.key = 99, .time = {3, 1}, .first_element = first},
                    .bias = with_bias ? bias.data() : nullptr,
                    .frozen = frozen};
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

float half_to_float(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const float fraction = static_cast<float>(bits & 1023) / 1024;
  const float magnitude = exponent == 0    ? std::ldexp(fraction, -14)
                          : exponent == 31 ? INFINITY
                                           : std::ldexp(1 + fraction, exponent - 15);
  return bits >> 15 ? -magnitude : magnitude;
}

// The two factors cancel exactly, and neither operand overflows or loses more than fp16's rounding.
TEST(LevelQuantiserCuda, HalfOperandsOfAProductAreBalanced) {
  SKIP_WITHOUT_DEVICE();
  struct Pair {
    float a, b;
  };
  for (const Pair ends : {Pair{1, 1}, Pair{200'000, 1e-3f}, Pair{1e-6f, 30}, Pair{5e8f, 0.5f}}) {
    const int count = 300;
    const auto operand = [&](float end, float other, std::vector<float>& expected) {
      const auto x = values_around(-end, end, count);
      const float range[2] = {-end, end};
      reference::quantise(x.data(), count, 256, range, 0, expected.data());
      const tests::CudaBuffer<float> in(x), own({-end, end}), partner({-other, other});
      const tests::CudaBuffer<std::uint16_t> out(count);
      cuda::quantise(in.data(), ElementType::fp32, count, 256, own.data(), 0, out.data(),
                     ElementType::fp16, {}, partner.data());
      return out.host();
    };
    std::vector<float> a_value(count), b_value(count);
    const auto a = operand(ends.a, ends.b, a_value);
    const auto b = operand(ends.b, ends.a, b_value);
    for (int i = 8; i < count; ++i) {
      const double product = static_cast<double>(a_value[i]) * b_value[i];
      EXPECT_NEAR(static_cast<double>(half_to_float(a[i])) * half_to_float(b[i]), product,
                  std::abs(product) * 1.01 / 1024)
          << ends.a << " " << ends.b;
    }
  }
}

TEST(LevelQuantiserCuda, BrainFloatsAreReadExactlyAndWrittenRoundedOnce) {
  SKIP_WITHOUT_DEVICE();
  const int count = 1003;
  const auto random = values_around(-1, 1, count);
  const auto to_bits = [](float x) {
    std::uint32_t bits;
    std::memcpy(&bits, &x, 4);
    if (std::isnan(x)) return std::uint16_t{0x7FFF};
    return static_cast<std::uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
  };
  const auto from_bits = [](std::uint16_t bits) {
    const std::uint32_t wide = std::uint32_t{bits} << 16;
    float x;
    std::memcpy(&x, &wide, 4);
    return x;
  };
  std::vector<std::uint16_t> x(count);
  std::vector<float> values(count), expected(count);
  for (int i = 0; i < count; ++i) {
    x[i] = to_bits(random[i]);
    values[i] = from_bits(x[i]);
  }
  const float range[2] = {-0.75f, 1.25f};
  reference::quantise(values.data(), count, 256, range, 0.02f, expected.data());
  const tests::CudaBuffer<std::uint16_t> in(x), out(count);
  const tests::CudaBuffer<float> device_range({-0.75f, 1.25f});
  cuda::quantise(in.data(), ElementType::bf16, count, 256, device_range.data(), 0.02f, out.data(),
                 ElementType::bf16, {});
  const auto actual = out.host();
  for (int i = 0; i < count; ++i) EXPECT_EQ(actual[i], to_bits(expected[i])) << i;
}

}  // namespace
}  // namespace kernels

#else
TEST(LevelQuantiserCuda, IsNotBuilt) { GTEST_SKIP() << "built without CUDA"; }
#endif
