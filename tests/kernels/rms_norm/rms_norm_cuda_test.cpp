// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/rms_norm/rms_norm.h"
#include "tests/support/cuda_rows.h"

#include <gtest/gtest.h>

#ifdef PARADIGM_WITH_CUDA

namespace kernels {
namespace {

TEST(RmsNormCuda, ValuesAndGradientsAreThoseOfTheFormula) {
  SKIP_WITHOUT_DEVICE();
  constexpr float kEpsilon = 1e-5f;
  for (const ElementType type : tests::kRowTypes) {
    for (const std::int64_t width : {1, 7, 64, 384, 1536}) {
      for (const std::int64_t rows : {1, 5, 300}) {
        SCOPED_TRACE(std::to_string(rows) + " rows of " + std::to_string(width));
        const auto x = tests::bf16_numbers(rows * width, 1);
        const auto g = tests::bf16_numbers(rows * width, 2);
        const auto w = tests::bf16_numbers(width, 3);
        std::vector<double> y(x.size()), dx(x.size()), dw(w.size());
        for (std::int64_t row = 0; row < rows; ++row) {
          const float* xs = x.data() + row * width;
          const float* gs = g.data() + row * width;
          double squares = 0, projection = 0;
          for (std::int64_t i = 0; i < width; ++i) squares += double{xs[i]} * xs[i];
          const double scale = 1 / std::sqrt(squares / double(width) + kEpsilon);
          for (std::int64_t i = 0; i < width; ++i)
            projection += double{gs[i]} * w[i] * xs[i] * scale;
          for (std::int64_t i = 0; i < width; ++i) {
            const double n = xs[i] * scale;
            y[row * width + i] = n * w[i];
            dx[row * width + i] = scale * (double{gs[i]} * w[i] - n * projection / double(width));
            dw[i] += gs[i] * n;
          }
        }
        const tests::CudaRows x_rows(x, type), g_rows(g, type), y_rows(rows * width, type),
            dx_rows(rows * width, type);
        const tests::CudaBuffer<float> weight(w), scale(rows),
            partial(cuda::kRmsNormPartialRows * width);
        cuda::rms_norm(x_rows.data(), weight.data(), type, rows, width, kEpsilon, y_rows.data(),
                       scale.data(), {});
        cuda::rms_norm_gradient(x_rows.data(), weight.data(), scale.data(), g_rows.data(), type,
                                rows, width, dx_rows.data(), partial.data(), {});
        EXPECT_LT(tests::greatest_error(y_rows.host(), y), 2 * tests::tolerance(type));
        EXPECT_LT(tests::greatest_error(dx_rows.host(), dx), 2 * tests::tolerance(type));
        std::vector<float> sums(w.size());
        const std::vector<float> parts = partial.host();
        for (std::size_t i = 0; i < parts.size(); ++i) sums[i % w.size()] += parts[i];
        EXPECT_LT(tests::greatest_error(sums, dw), 3e-5);
      }
    }
  }
}

}  // namespace
}  // namespace kernels

#endif
