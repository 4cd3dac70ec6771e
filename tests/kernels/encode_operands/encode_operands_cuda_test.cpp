// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/encode_operands/encode_operands.h"
#include "tests/support/cuda_range.h"
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
  std::vector<std::unique_ptr<tests::CudaRange>> alone, together;
  std::vector<std::unique_ptr<Words>> y_alone, y_together;
  for (std::size_t i = 0; i < count; ++i) {
    const auto size = static_cast<std::int64_t>(values[i].size());
    x.push_back(std::make_unique<CudaRows>(values[i], i == 0 ? first_type : ElementType::fp32));
    alone.push_back(std::make_unique<tests::CudaRange>(start));
    together.push_back(std::make_unique<tests::CudaRange>(start));
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
