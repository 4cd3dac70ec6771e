// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/rotary/rotary.h"
#include "tests/support/cuda_rows.h"

#include <gtest/gtest.h>

#ifdef PARADIGM_WITH_CUDA

namespace kernels {
namespace {

void expect_turned(std::int64_t half, std::int64_t further) {
  constexpr std::int64_t kSequence = 9, kRows = 3 * kSequence, kHeads = 5;
  const std::int64_t width = kHeads * 2 * half, stride = width + further;
  std::vector<float> cosines, sines;
  for (int i = 0; i < kSequence * half; ++i) {
    cosines.push_back(std::cos(0.37f * static_cast<float>(i)));
    sines.push_back(std::sin(0.37f * static_cast<float>(i)));
  }
  for (const ElementType type : tests::kRowTypes) {
    for (const bool inverse : {false, true}) {
      const auto x = tests::bf16_numbers(kRows * stride, 4);
      std::vector<double> expected(kRows * width);
      for (std::int64_t row = 0; row < kRows; ++row) {
        for (std::int64_t head = 0; head < kHeads; ++head) {
          for (std::int64_t j = 0; j < half; ++j) {
            const std::int64_t table = row % kSequence * half + j;
            const double c = cosines[table], s = inverse ? -sines[table] : sines[table];
            const double first = x[row * stride + head * 2 * half + j];
            const double second = x[row * stride + head * 2 * half + half + j];
            expected[row * width + head * 2 * half + j] = first * c - second * s;
            expected[row * width + head * 2 * half + half + j] = second * c + first * s;
          }
        }
      }
      const tests::CudaRows in(x, type), out(kRows * width, type);
      const tests::CudaBuffer<float> cos(cosines), sin(sines);
      cuda::rotate_heads(in.data(), type, stride, cos.data(), sin.data(), kRows, kSequence, kHeads,
                         half, inverse, out.data(), {});
      EXPECT_LT(tests::greatest_error(out.host(), expected), tests::tolerance(type));
    }
  }
}

TEST(RotaryCuda, TurnsTheHeadsOfEveryPositionAndBack) {
  SKIP_WITHOUT_DEVICE();
  expect_turned(16, 64);
  expect_turned(32, 0);
}

TEST(RotaryCuda, TurnsHeadsThatDoNotDivideIntoWholeVectors) {
  SKIP_WITHOUT_DEVICE();
  expect_turned(7, 0);
  expect_turned(16, 3);
}

}  // namespace
}  // namespace kernels

#endif
