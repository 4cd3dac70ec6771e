// SPDX-License-Identifier: GPL-3.0-or-later
// Codes and ranges on the device against the reference's, bit for bit.
#include "kernels/optical_linear/operand_codes.h"
#include "tests/support/cuda_range.h"
#include "tests/support/cuda_rows.h"

#include <gtest/gtest.h>

#ifdef PARADIGM_WITH_CUDA

#include <cuda_fp16.h>

#include <cstring>
#include <limits>
#include <memory>

namespace kernels {
namespace {

using tests::CudaBuffer;
using tests::CudaRange;
using tests::CudaRows;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kSmooth = 0.75f;
constexpr std::int32_t kLevels = 200;

std::uint16_t half_bits(float x) {
  const __half half = __float2half_rn(x);
  std::uint16_t bits;
  std::memcpy(&bits, &half, sizeof bits);
  return bits;
}

/// What a pass over `x` makes of the range, and the codes in it.
std::vector<std::uint16_t> expected_codes(const std::vector<float>& x, float (&range)[2],
                                          float lut_min, int shift) {
  update_range(range, reference::min_max(x.data(), std::ssize(x)), kSmooth);
  std::vector<float> values(x.size());
  reference::quantise(x.data(), std::ssize(x), kLevels, range, lut_min, values.data());
  const float end = std::max(std::abs(range[0]), std::abs(range[1]));
  std::vector<std::uint16_t> codes;
  for (const float value : values) {
    codes.push_back(half_bits(std::ldexp(value, shift - std::ilogb(end))));
  }
  return codes;
}

void observe(const CudaRows& x, ElementType type, std::int64_t count, const CudaRange& range) {
  cuda::observe(x.data(), type, count, range.scratch.data(), {});
}

TEST(OperandCodesCuda, AnInputIsEncodedInTheRangeThatItsExtentLeaves) {
  SKIP_WITHOUT_DEVICE();
  for (const ElementType type : tests::kRowTypes) {
    for (const std::vector<float>& start : {std::vector<float>{kInfinity, -kInfinity}, {-9, 2}}) {
      for (const std::int64_t count : {1, 7, 4096, 3'000'001}) {
        SCOPED_TRACE(count);
        float expected_range[2] = {start[0], start[1]};
        const CudaRange range(start), follower(start);
        for (unsigned pass = 0; pass < 2; ++pass) {
          const auto values = tests::bf16_numbers(count, 1 + pass);
          const auto expected = expected_codes(values, expected_range, 0, 0);
          const CudaRows x(values, type);
          const CudaBuffer<std::uint16_t> codes(values.size());
          observe(x, type, count, range);
          cuda::InputToEncode input;
          input.x = x.data();
          input.type = type;
          input.count = count;
          input.range = range.running(kSmooth);
          input.followers[0] = follower.running(kSmooth);
          input.levels = kLevels;
          input.codes = codes.data();
          cuda::encode_input(input, {});
          ASSERT_EQ(codes.host(), expected);
          const std::vector<float> state(expected_range, expected_range + 2);
          for (const CudaRange* one : {&range, &follower}) {
            EXPECT_EQ(one->state.host(), state);
            EXPECT_EQ(one->used.host(), state);
          }
        }
      }
    }
  }
}

TEST(OperandCodesCuda, ManyWeightsAreEncodedAtOnce) {
  SKIP_WITHOUT_DEVICE();
  struct Weight {
    CudaBuffer<float> w;
    CudaRange range;
    CudaBuffer<std::uint16_t> codes;
    float expected[2];
  };
  std::vector<std::unique_ptr<Weight>> weights;
  std::vector<std::vector<float>> values;
  for (int i = 0; i < 700; ++i) {
    const std::int64_t count = i == 3 ? 100'000 : i == 4 ? 16384 : i == 5 ? 16385 : 8 + 13 * i;
    values.push_back(tests::bf16_numbers(count, static_cast<unsigned>(i)));
    for (float& value : values.back()) value *= 0.01f * static_cast<float>(1 + i);
    weights.push_back(
        std::unique_ptr<Weight>(new Weight{CudaBuffer<float>(values.back()),
                                           CudaRange({kInfinity, -kInfinity}),
                                           CudaBuffer<std::uint16_t>(values.back().size()),
                                           {kInfinity, -kInfinity}}));
  }
  const CudaRange left_over({-1, 1});
  observe(CudaRows({-77, 77}, ElementType::fp32), ElementType::fp32, 2, left_over);
  for (int pass = 0; pass < 2; ++pass) {
    std::vector<cuda::WeightToEncode> jobs;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      jobs.push_back({.w = weights[i]->w.data(),
                      .count = std::ssize(values[i]),
                      .range = weights[i]->range.running(kSmooth),
                      .lut_min = 0.02f,
                      .levels = kLevels,
                      .codes = weights[i]->codes.data(),
                      .forgets = i == 1 ? left_over.scratch.data() : nullptr});
    }
    cuda::encode_weights(jobs, {});
    for (std::size_t i = 0; i < weights.size(); ++i) {
      Weight& weight = *weights[i];
      ASSERT_EQ(weight.codes.host(), expected_codes(values[i], weight.expected, 0.02f, -1)) << i;
      const std::vector<float> state(weight.expected, weight.expected + 2);
      EXPECT_EQ(weight.range.state.host(), state) << i;
      EXPECT_EQ(weight.range.used.host(), state) << i;
    }
  }
  const CudaRange fresh({-1, 1});
  EXPECT_EQ(left_over.scratch.host(), fresh.scratch.host());
}

TEST(OperandCodesCuda, WhatIsNotFiniteIsRefused) {
  SKIP_WITHOUT_DEVICE();
  auto values = tests::bf16_numbers(5000, 1);
  values[4321] = NAN;
  values[17] = kInfinity;
  const CudaRows x(values, ElementType::bf16);
  const CudaRange range({-1, 2});
  const CudaBuffer<std::uint16_t> codes(values.size());
  observe(x, ElementType::bf16, 5000, range);
  cuda::InputToEncode input;
  input.x = x.data();
  input.count = 5000;
  input.range = range.running(kSmooth);
  input.codes = codes.data();
  cuda::encode_input(input, {});
  EXPECT_EQ(range.state.host(), (std::vector<float>{-1, 2}));
  EXPECT_EQ(range.rejected.host()[0], 1);
  EXPECT_EQ(codes.host()[17], half_bits(1)) << "clamped to 2";
  EXPECT_GT(codes.host()[4321] & 0x7FFF, 0x7C00) << "NaN";
}

}  // namespace
}  // namespace kernels

#endif
