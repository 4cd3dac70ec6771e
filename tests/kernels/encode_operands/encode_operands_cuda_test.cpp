// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/encode_operands/encode_operands.h"
#include "tests/support/cuda_rows.h"

#include <gtest/gtest.h>

#ifdef PARADIGM_WITH_CUDA

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

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
    if (!std::isnan(a[i])) {
      ASSERT_EQ(a[i], b[i]) << i;
    }
  }
}

/// Any words of device memory, compared as they are.
using Words = CudaBuffer<std::uint32_t>;

std::size_t words_of(std::int64_t count, ElementType type) {
  return static_cast<std::size_t>(type == ElementType::fp32 ? count : (count + 1) / 2);
}

/// All operands together against one after the other, twice in a row. In fp32 they know no partner.
void expect_as_one_by_one(const std::vector<std::vector<float>>& values, ElementType first_type,
                          const std::vector<float>& start, ElementType y_type) {
  constexpr std::int32_t kLevels = 37;
  const std::size_t count = values.size();
  std::vector<std::unique_ptr<CudaRows>> x;
  std::vector<std::unique_ptr<DeviceRange>> alone, together;
  std::vector<std::unique_ptr<Words>> y_alone, y_together;
  for (std::size_t i = 0; i < count; ++i) {
    const auto size = static_cast<std::int64_t>(values[i].size());
    x.push_back(std::make_unique<CudaRows>(values[i], i == 0 ? first_type : ElementType::fp32));
    alone.push_back(std::make_unique<DeviceRange>(start));
    together.push_back(std::make_unique<DeviceRange>(start));
    const std::vector<std::uint32_t> zeros(words_of(size, y_type));
    y_alone.push_back(std::make_unique<Words>(zeros));
    y_together.push_back(std::make_unique<Words>(zeros));
  }
  const auto type_of = [&](std::size_t i) { return i == 0 ? first_type : ElementType::fp32; };
  const auto lut_min_of = [](std::size_t i) { return i == 0 ? 0.0f : 0.05f; };
  const auto partner_of = [&](const auto& ranges, std::size_t i) -> const float* {
    return y_type == ElementType::fp32 ? nullptr : ranges[(i + 1) % count]->used.data();
  };
  for (int pass = 0; pass < 2; ++pass) {
    std::vector<cuda::OperandToEncode> all;
    for (std::size_t i = 0; i < count; ++i) {
      cuda::observe_into(x[i]->data(), type_of(i), static_cast<std::int64_t>(values[i].size()),
                         alone[i]->running(0.9f), {});
    }
    for (std::size_t i = 0; i < count; ++i) {
      const auto size = static_cast<std::int64_t>(values[i].size());
      cuda::quantise(x[i]->data(), type_of(i), size, kLevels, alone[i]->used.data(), lut_min_of(i),
                     y_alone[i]->data(), y_type, {}, partner_of(alone, i));
      cuda::OperandToEncode& operand = all.emplace_back();
      operand.x = x[i]->data();
      operand.type = type_of(i);
      operand.count = size;
      operand.range = together[i]->running(0.9f);
      operand.lut_min = lut_min_of(i);
      operand.partner = partner_of(together, i);
      operand.y = y_together[i]->data();
    }
    cuda::encode_operands(all, kLevels, y_type, {});
    for (std::size_t i = 0; i < count; ++i) {
      SCOPED_TRACE(testing::Message() << "operand " << i << ", pass " << pass);
      expect_same(together[i]->state.host(), alone[i]->state.host());
      expect_same(together[i]->used.host(), alone[i]->used.host());
      EXPECT_EQ(together[i]->rejected.host(), alone[i]->rejected.host());
      ASSERT_EQ(y_together[i]->host(), y_alone[i]->host());
    }
  }
}

constexpr ElementType kCodeTypes[] = {ElementType::fp16, ElementType::bf16, ElementType::fp32};

TEST(EncodeOperandsCuda, EqualsTheKernelsThatDoItOneByOne) {
  SKIP_WITHOUT_DEVICE();
  for (const ElementType type : tests::kRowTypes) {
    for (const ElementType y_type : kCodeTypes) {
      for (const std::int64_t count : {1, 7, 4096, 3'000'001}) {
        SCOPED_TRACE(count);
        const auto x = tests::bf16_numbers(count, 1), w = tests::bf16_numbers(1000, 2),
                   v = tests::bf16_numbers(77, 3);
        expect_as_one_by_one({x, w}, type, {kInfinity, -kInfinity}, y_type);
        expect_as_one_by_one({x, w, v}, type, {-1, 2}, y_type);
        expect_as_one_by_one({x}, type, {-1, 2}, y_type);
      }
    }
  }
}

TEST(EncodeOperandsCuda, FollowersGetTheRangeOfWhatTheyFollow) {
  SKIP_WITHOUT_DEVICE();
  const auto values = tests::bf16_numbers(3000, 1);
  const CudaRows x(values, ElementType::bf16);
  const Words y(std::vector<std::uint32_t>(1500));
  const DeviceRange first({-1, 2}), second({-1, 2}), other({-5, 7});
  const cuda::OperandToEncode operand{.x = x.data(),
                                      .type = ElementType::bf16,
                                      .count = 3000,
                                      .range = first.running(0.9f),
                                      .followers = {second.running(0.9f), other.running(0.5f)},
                                      .y = y.data()};
  cuda::encode_operands({&operand, 1}, 256, ElementType::fp16, {});
  EXPECT_EQ(second.state.host(), first.state.host());
  EXPECT_EQ(second.used.host(), first.used.host());
  const DeviceRange alone({-5, 7});
  cuda::observe_into(x.data(), ElementType::bf16, 3000, alone.running(0.5f), {});
  EXPECT_EQ(other.state.host(), alone.state.host());
  EXPECT_EQ(other.used.host(), alone.used.host());
}

// One x against two weights: the second takes the first one's factor, and its products are right.
TEST(EncodeOperandsCuda, AWeightMayBeBalancedAsAnotherOne) {
  SKIP_WITHOUT_DEVICE();
  const auto values = tests::bf16_numbers(1000, 1);
  const CudaRows w(values, ElementType::fp32);
  const Words alone(std::vector<std::uint32_t>(500)), as_other(std::vector<std::uint32_t>(500));
  const CudaBuffer<float> x_range({-64, 64}), other({-0.25f, 0.25f});
  const auto encode = [&](const float* balanced_as, const Words& y) {
    const DeviceRange range({-4, 4});
    const cuda::OperandToEncode operand{.x = w.data(),
                                        .count = 1000,
                                        .range = range.running(1),
                                        .partner = x_range.data(),
                                        .balanced_as = balanced_as,
                                        .y = y.data()};
    cuda::encode_operands({&operand, 1}, 256, ElementType::fp16, {});
  };
  encode(nullptr, alone);
  encode(other.data(), as_other);
  const auto a = alone.host(), b = as_other.host();
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (const int shift : {0, 16}) {
      const auto half_a = static_cast<std::uint16_t>(a[i] >> shift);
      const auto half_b = static_cast<std::uint16_t>(b[i] >> shift);
      if ((half_a & 0x7FFF) == 0) continue;
      // (6 - 2) / 2 = 2 against (6 + 2) / 2 = 4: two exponents more.
      EXPECT_EQ(half_b - half_a, 2 << 10) << i;
    }
  }
}

TEST(EncodeOperandsCuda, WhatIsNotFiniteIsRefused) {
  SKIP_WITHOUT_DEVICE();
  auto x = tests::bf16_numbers(5000, 1);
  const auto w = tests::bf16_numbers(64, 2);
  x[4321] = NAN;
  expect_as_one_by_one({x, w}, ElementType::bf16, {-1, 2}, ElementType::fp16);
  x[4321] = kInfinity;
  expect_as_one_by_one({x, w}, ElementType::bf16, {kInfinity, -kInfinity}, ElementType::fp16);
}

}  // namespace
}  // namespace kernels

#endif
