// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cross_entropy/cross_entropy.h"
#include "tests/support/cuda_rows.h"

#include <gtest/gtest.h>

#ifdef PARADIGM_WITH_CUDA

#include <algorithm>

namespace kernels {
namespace {

TEST(CrossEntropyCuda, LossGradientAndHitsAreThoseOfTheFormula) {
  SKIP_WITHOUT_DEVICE();
  constexpr float kScale = 0.25f;
  for (const ElementType type : tests::kRowTypes) {
    for (const std::int64_t count : {3, 1000, 1001, 49152}) {
      constexpr std::int64_t kRows = 6;
      auto logits = tests::bf16_numbers(kRows * count, 8);
      std::vector<std::int64_t> labels;
      for (std::int64_t row = 0; row < kRows; ++row) labels.push_back(row * 7919 % count);
      for (float& value : logits) value *= 4;
      logits[labels[0]] = 300;  // so certain that e^300 must not be formed
      logits[2 * count + labels[2]] = -300;
      const auto row_3 = logits.begin() + 3 * count;
      logits[3 * count + labels[3]] = *std::max_element(row_3, row_3 + count);  // equal greatest

      std::vector<double> losses, gradient(logits.size());
      std::vector<std::int64_t> hits;
      for (std::int64_t row = 0; row < kRows; ++row) {
        const float* z = logits.data() + row * count;
        const float* greatest = std::max_element(z, z + count);
        double sum = 0;
        for (std::int64_t i = 0; i < count; ++i) sum += std::exp(double{z[i]} - *greatest);
        losses.push_back(std::log(sum) + *greatest - z[labels[row]]);
        hits.push_back(greatest - z == labels[row] ? 1 : 0);
        for (std::int64_t i = 0; i < count; ++i) {
          const double p = std::exp(double{z[i]} - *greatest) / sum;
          gradient[row * count + i] = kScale * (p - (i == labels[row] ? 1 : 0));
        }
      }
      const tests::CudaRows in(logits, type);
      const tests::CudaBuffer<std::int64_t> label(labels), correct(kRows);
      const tests::CudaBuffer<float> loss(kRows);
      cuda::cross_entropy_rows(in.data(), type, kRows, count, label.data(), kScale, loss.data(),
                               correct.data(), {});
      EXPECT_LT(tests::greatest_error(loss.host(), losses), 5e-6);
      EXPECT_LT(tests::greatest_error(in.host(), gradient), tests::tolerance(type));
      EXPECT_EQ(correct.host(), hits);
    }
  }
}

}  // namespace
}  // namespace kernels

#endif
