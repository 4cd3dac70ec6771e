// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/rms_norm/rms_norm.h"
#include "tests/support/cuda_range.h"
#include "tests/support/cuda_rows.h"

#include <gtest/gtest.h>

#ifdef PARADIGM_WITH_CUDA

namespace kernels {
namespace {

TEST(RmsNormCuda, ValuesAndGradientsAreThoseOfTheFormula) {
  SKIP_WITHOUT_DEVICE();
  constexpr float kEpsilon = 1e-5f;
  for (const ElementType type : tests::kRowTypes) {
    for (const std::int64_t width : {1, 7, 64, 384, 900, 1536, 2048, 2052}) {
      for (const std::int64_t rows : {1, 5, width < 900 ? 1000 : 3000}) {
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
            partial(cuda::kRmsNormPartialRows * width), weight_gradient(width);
        cuda::rms_norm(x_rows.data(), nullptr, weight.data(), type, rows, width, kEpsilon, nullptr,
                       y_rows.data(), scale.data(), nullptr, {});
        cuda::rms_norm_gradient(x_rows.data(), weight.data(), scale.data(), g_rows.data(), nullptr,
                                type, rows, width, dx_rows.data(), partial.data(), {});
        EXPECT_LT(tests::greatest_error(y_rows.host(), y), 2 * tests::tolerance(type));
        EXPECT_LT(tests::greatest_error(dx_rows.host(), dx), 2 * tests::tolerance(type));
        cuda::rms_norm_weight_gradient(partial.data(), width, weight_gradient.data(), {});
        EXPECT_LT(tests::greatest_error(weight_gradient.host(), dw), 3e-5);
      }
    }
  }
}

TEST(RmsNormCuda, NormsTheSumOfTwoAndAddsTheGradientsOfBothUses) {
  SKIP_WITHOUT_DEVICE();
  constexpr std::int64_t kRows = 37;
  for (const ElementType type : tests::kRowTypes) {
    for (const std::int64_t width : {5, 384, 1152, 2052}) {
      SCOPED_TRACE(std::to_string(width));
      const auto count = static_cast<std::size_t>(kRows * width);
      const tests::CudaRows x(tests::bf16_numbers(kRows * width, 1), type),
          delta(tests::bf16_numbers(kRows * width, 2), type), sum(kRows * width, type),
          y(kRows * width, type), y_alone(kRows * width, type),
          g(tests::bf16_numbers(kRows * width, 4), type),
          d_sum(tests::bf16_numbers(kRows * width, 5), type), dx(kRows * width, type),
          dx_alone(kRows * width, type);
      const tests::CudaBuffer<float> weight(tests::bf16_numbers(width, 3)), scale(kRows),
          partial(cuda::kRmsNormPartialRows * width);
      cuda::rms_norm(x.data(), delta.data(), weight.data(), type, kRows, width, 1e-5f, sum.data(),
                     y.data(), scale.data(), nullptr, {});
      cuda::rms_norm(sum.data(), nullptr, weight.data(), type, kRows, width, 1e-5f, nullptr,
                     y_alone.data(), scale.data(), nullptr, {});
      EXPECT_EQ(y.host(), y_alone.host());
      const tests::CudaRange extent({-1, 1}), expected({-1, 1});
      cuda::rms_norm(sum.data(), nullptr, weight.data(), type, kRows, width, 1e-5f, nullptr,
                     y_alone.data(), scale.data(), extent.scratch.data(), {});
      cuda::observe(y.data(), type, kRows * width, expected.scratch.data(), {});
      EXPECT_EQ(extent.scratch.host(), expected.scratch.host());
      const auto gradient = [&](const void* added, const tests::CudaRows& to) {
        cuda::rms_norm_gradient(sum.data(), weight.data(), scale.data(), g.data(), added, type,
                                kRows, width, to.data(), partial.data(), {});
        return to.host();
      };
      const auto alone = gradient(nullptr, dx_alone);
      const auto both = gradient(d_sum.data(), dx);
      const auto x_host = x.host(), delta_host = delta.host(), sum_host = sum.host(),
                 added = d_sum.host();
      std::vector<double> sums(count), gradients(count);
      for (std::size_t i = 0; i < count; ++i) {
        sums[i] = double{x_host[i]} + delta_host[i];
        gradients[i] = double{alone[i]} + added[i];
      }
      EXPECT_LT(tests::greatest_error(sum_host, sums), tests::tolerance(type));
      EXPECT_LT(tests::greatest_error(both, gradients), 3 * tests::tolerance(type));
    }
  }
}

}  // namespace
}  // namespace kernels

#endif
