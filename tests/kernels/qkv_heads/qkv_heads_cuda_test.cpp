// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/qkv_heads/qkv_heads.h"
#include "kernels/rotary/rotary.h"
#include "tests/support/cuda_rows.h"

#include <gtest/gtest.h>

#ifdef PARADIGM_WITH_CUDA

namespace kernels {
namespace {

using tests::CudaBuffer;
using tests::CudaRows;

struct Sizes {
  std::int64_t count(std::int64_t heads) const {
    return shape.batch * shape.sequence * heads * 2 * shape.half;
  }
  std::int64_t all_heads() const { return shape.heads + 2 * shape.kv_heads; }

  cuda::QkvShape shape;
};

std::vector<float> table(const Sizes& sizes, double (*of)(double)) {
  std::vector<float> values;
  for (std::int64_t i = 0; i < sizes.shape.sequence * sizes.shape.half; ++i) {
    values.push_back(static_cast<float>(of(0.37 * static_cast<double>(i))));
  }
  return values;
}

/// Heads [first, first + count) of every row, turned by the reference.
std::vector<double> heads_of(const Sizes& sizes, const std::vector<float>& qkv, std::int64_t first,
                             std::int64_t count, bool turns) {
  const std::int64_t width = 2 * sizes.shape.half;
  const auto cos = table(sizes, std::cos), sin = table(sizes, std::sin);
  std::vector<double> result;
  std::vector<float> row(static_cast<std::size_t>(count * width));
  for (std::int64_t r = 0; r < sizes.shape.batch * sizes.shape.sequence; ++r) {
    const float* from = qkv.data() + (r * sizes.all_heads() + first) * width;
    std::copy(from, from + count * width, row.begin());
    const std::int64_t at = r % sizes.shape.sequence * sizes.shape.half;
    if (turns) {
      cpu::rotate_heads(from, cos.data() + at, sin.data() + at, 1, count, sizes.shape.half, false,
                        row.data());
    }
    result.insert(result.end(), row.begin(), row.end());
  }
  return result;
}

class QkvHeadsCuda : public ::testing::TestWithParam<ElementType> {
 protected:
  const std::vector<Sizes> all_ = {
      {{2, 5, 6, 2, 32}}, {{1, 3, 4, 4, 8}}, {{2, 3, 3, 1, 12}}, {{3, 2, 3, 1, 5}}};
};

TEST_P(QkvHeadsCuda, AreTakenApartAndTurned) {
  SKIP_WITHOUT_DEVICE();
  for (const Sizes& sizes : all_) {
    const auto numbers = tests::bf16_numbers(sizes.count(sizes.all_heads()), 1);
    const CudaRows qkv(numbers, GetParam()), q(sizes.count(sizes.shape.heads), GetParam()),
        k(sizes.count(sizes.shape.kv_heads), GetParam()),
        v(sizes.count(sizes.shape.kv_heads), GetParam());
    const CudaBuffer<float> cos(table(sizes, std::cos)), sin(table(sizes, std::sin));
    cuda::split_heads(qkv.data(), GetParam(), sizes.shape, cos.data(), sin.data(), q.data(),
                      k.data(), v.data(), {});
    const std::int64_t heads = sizes.shape.heads, kv_heads = sizes.shape.kv_heads;
    const double allowed = 2 * tests::tolerance(GetParam());
    EXPECT_LT(tests::greatest_error(q.host(), heads_of(sizes, numbers, 0, heads, true)), allowed);
    EXPECT_LT(tests::greatest_error(k.host(), heads_of(sizes, numbers, heads, kv_heads, true)),
              allowed);
    EXPECT_EQ(tests::greatest_error(v.host(),
                                    heads_of(sizes, numbers, heads + kv_heads, kv_heads, false)),
              0);
  }
}

TEST_P(QkvHeadsCuda, TheGradientTurnsBackFromAnyLayout) {
  SKIP_WITHOUT_DEVICE();
  for (const Sizes& sizes : all_) {
    const auto numbers = tests::bf16_numbers(sizes.count(sizes.all_heads()), 1);
    const std::int64_t heads = sizes.shape.heads, kv_heads = sizes.shape.kv_heads;
    const std::int64_t width = 2 * sizes.shape.half, sequence = sizes.shape.sequence;
    // Turned heads as [batch, heads, sequence, width], the layout of attention's gradients.
    const auto transposed = [&](std::int64_t first, std::int64_t count, bool turns) {
      const auto rows = heads_of(sizes, numbers, first, count, turns);
      std::vector<float> result(rows.size());
      for (std::int64_t b = 0; b < sizes.shape.batch; ++b)
        for (std::int64_t s = 0; s < sequence; ++s)
          for (std::int64_t h = 0; h < count; ++h)
            for (std::int64_t d = 0; d < width; ++d)
              result[static_cast<std::size_t>(((b * count + h) * sequence + s) * width + d)] =
                  static_cast<float>(
                      rows[static_cast<std::size_t>(((b * sequence + s) * count + h) * width + d)]);
      return result;
    };
    const CudaRows dq(transposed(0, heads, true), GetParam()),
        dk(transposed(heads, kv_heads, true), GetParam()),
        dv(transposed(heads + kv_heads, kv_heads, false), GetParam()),
        joined(sizes.count(sizes.all_heads()), GetParam());
    const CudaBuffer<float> cos(table(sizes, std::cos)), sin(table(sizes, std::sin));
    const auto strides = [&](std::int64_t count) {
      return cuda::HeadStrides{count * sequence * width, width, sequence * width};
    };
    cuda::join_heads(dq.data(), strides(heads), dk.data(), strides(kv_heads), dv.data(),
                     strides(kv_heads), GetParam(), sizes.shape, cos.data(), sin.data(),
                     joined.data(), {});
    EXPECT_LT(tests::greatest_error(joined.host(), {numbers.begin(), numbers.end()}),
              4 * tests::tolerance(GetParam()));
  }
}

INSTANTIATE_TEST_SUITE_P(Types, QkvHeadsCuda, ::testing::ValuesIn(tests::kRowTypes));

}  // namespace
}  // namespace kernels

#endif
