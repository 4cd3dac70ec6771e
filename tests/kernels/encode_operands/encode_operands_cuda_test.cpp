// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/encode_operands/encode_operands.h"
#include "tests/support/cuda_rows.h"

#include <gtest/gtest.h>

#ifdef PARADIGM_WITH_CUDA

#include <limits>

namespace kernels {
namespace {

using tests::CudaBuffer;
using tests::CudaRows;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// A running range in device memory.
struct DeviceRange {
  explicit DeviceRange(const std::vector<float>& range) : state(range) {
    cuda::clear_scratch(scratch.data(), {});
  }
  cuda::RunningRange running(float smooth) const {
    return {.state = state.data(),
            .scratch = scratch.data(),
            .rejected = rejected.data(),
            .used = used.data(),
            .uses_new = true,
            .smooth = smooth};
  }

  CudaBuffer<float> state;
  CudaBuffer<int> scratch{static_cast<std::size_t>(cuda::RunningRange::kScratch)};
  CudaBuffer<int> rejected{std::vector<int>{0}};
  CudaBuffer<float> used{std::size_t{2}};
};

void expect_same(const std::vector<float>& a, const std::vector<float>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(std::isnan(a[i]), std::isnan(b[i])) << i;
    if (!std::isnan(a[i])) ASSERT_EQ(a[i], b[i]) << i;
  }
}

/// Two operands of one product, together against one after the other, twice in a row.
void expect_as_one_by_one(const std::vector<float>& x, const std::vector<float>& w,
                          const std::vector<float>& start, ElementType x_type) {
  const auto x_count = static_cast<std::int64_t>(x.size());
  const auto w_count = static_cast<std::int64_t>(w.size());
  const CudaRows x_rows(x, x_type), w_rows(w, ElementType::fp32);
  const DeviceRange x_one(start), w_one(start), x_all(start), w_all(start);
  const CudaRows x_alone(x_count, ElementType::bf16), w_alone(w_count, ElementType::bf16),
      x_together(x_count, ElementType::bf16), w_together(w_count, ElementType::bf16);
  constexpr auto kHalf = ElementType::bf16;
  constexpr std::int32_t kLevels = 37;
  for (int pass = 0; pass < 2; ++pass) {
    cuda::observe_into(x_rows.data(), x_type, x_count, x_one.running(0.9f), {});
    cuda::observe_into(w_rows.data(), ElementType::fp32, w_count, w_one.running(0.9f), {});
    cuda::quantise(x_rows.data(), x_type, x_count, kLevels, x_one.used.data(), 0, x_alone.data(),
                   kHalf, {}, w_one.used.data());
    cuda::quantise(w_rows.data(), ElementType::fp32, w_count, kLevels, w_one.used.data(), 0.05f,
                   w_alone.data(), kHalf, {}, x_one.used.data());
    const cuda::OperandToEncode both[] = {{.x = x_rows.data(),
                                           .type = x_type,
                                           .count = x_count,
                                           .range = x_all.running(0.9f),
                                           .partner = w_all.used.data(),
                                           .y = x_together.data()},
                                          {.x = w_rows.data(),
                                           .type = ElementType::fp32,
                                           .count = w_count,
                                           .range = w_all.running(0.9f),
                                           .lut_min = 0.05f,
                                           .partner = x_all.used.data(),
                                           .y = w_together.data()}};
    cuda::encode_operands(both, kLevels, kHalf, {});
    expect_same(x_all.state.host(), x_one.state.host());
    expect_same(w_all.state.host(), w_one.state.host());
    expect_same(x_all.used.host(), x_one.used.host());
    EXPECT_EQ(x_all.rejected.host(), x_one.rejected.host());
    expect_same(x_together.host(), x_alone.host());
    expect_same(w_together.host(), w_alone.host());
  }
}

TEST(EncodeOperandsCuda, EqualsTheKernelsThatDoItOneByOne) {
  SKIP_WITHOUT_DEVICE();
  for (const ElementType type : tests::kRowTypes) {
    for (const std::int64_t count : {1, 7, 4096, 3'000'001}) {
      SCOPED_TRACE(count);
      expect_as_one_by_one(tests::bf16_numbers(count, 1), tests::bf16_numbers(1000, 2),
                           {kInfinity, -kInfinity}, type);
      expect_as_one_by_one(tests::bf16_numbers(count, 3), tests::bf16_numbers(77, 4), {-1, 2},
                           type);
    }
  }
}

TEST(EncodeOperandsCuda, WhatIsNotFiniteIsRefused) {
  SKIP_WITHOUT_DEVICE();
  auto x = tests::bf16_numbers(5000, 1);
  x[4321] = NAN;
  expect_as_one_by_one(x, tests::bf16_numbers(64, 2), {-1, 2}, ElementType::bf16);
  x[4321] = kInfinity;
  expect_as_one_by_one(x, tests::bf16_numbers(64, 2), {kInfinity, -kInfinity}, ElementType::bf16);
}

}  // namespace
}  // namespace kernels

#endif
