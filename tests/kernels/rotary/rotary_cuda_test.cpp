// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/rotary/rotary.h"
#include "tests/support/cuda_rows.h"

#include <gtest/gtest.h>

#ifdef PARADIGM_WITH_CUDA

namespace kernels {
namespace {

TEST(RotaryCuda, TurnsTheHeadsOfEveryPositionAndBack) {
  SKIP_WITHOUT_DEVICE();
  constexpr std::int64_t kSequence = 9, kRows = 3 * kSequence, kHeads = 5, kHalf = 16;
  constexpr std::int64_t kWidth = kHeads * 2 * kHalf, kStride = kWidth + 64;
  std::vector<float> cosines, sines;
  for (int i = 0; i < kSequence * kHalf; ++i) {
    cosines.push_back(std::cos(0.37f * static_cast<float>(i)));
    sines.push_back(std::sin(0.37f * static_cast<float>(i)));
  }
  for (const ElementType type : tests::kRowTypes) {
    for (const bool inverse : {false, true}) {
      const auto x = tests::bf16_numbers(kRows * kStride, 4);
      std::vector<double> expected(kRows * kWidth);
      for (std::int64_t row = 0; row < kRows; ++row) {
        for (std::int64_t head = 0; head < kHeads; ++head) {
          for (std::int64_t j = 0; j < kHalf; ++j) {
            const std::int64_t table = row % kSequence * kHalf + j;
            const double c = cosines[table], s = inverse ? -sines[table] : sines[table];
            const double first = x[row * kStride + head * 2 * kHalf + j];
            const double second = x[row * kStride + head * 2 * kHalf + kHalf + j];
            expected[row * kWidth + head * 2 * kHalf + j] = first * c - second * s;
            expected[row * kWidth + head * 2 * kHalf + kHalf + j] = second * c + first * s;
          }
        }
      }
      const tests::CudaRows in(x, type), out(kRows * kWidth, type);
      const tests::CudaBuffer<float> cos(cosines), sin(sines);
      cuda::rotate_heads(in.data(), type, kStride, cos.data(), sin.data(), kRows, kSequence, kHeads,
                         kHalf, inverse, out.data(), {});
      EXPECT_LT(tests::greatest_error(out.host(), expected), tests::tolerance(type));
    }
  }
}

}  // namespace
}  // namespace kernels

#endif
