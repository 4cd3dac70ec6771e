// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/swiglu/swiglu.h"
#include "tests/support/cuda_rows.h"

#include <gtest/gtest.h>

#ifdef PARADIGM_WITH_CUDA

namespace kernels {
namespace {

TEST(SwigluCuda, ValuesAndGradientsAreThoseOfTheFormula) {
  SKIP_WITHOUT_DEVICE();
  for (const ElementType type : tests::kRowTypes) {
    for (const std::int64_t count : {1, 7, 4096, 100003}) {
      auto gate = tests::bf16_numbers(count, 5);
      gate[0] = -200;  // e^200 is more than fp32 holds
      const auto up = tests::bf16_numbers(count, 6), g = tests::bf16_numbers(count, 7);
      std::vector<double> y, d_gate, d_up;
      for (std::int64_t i = 0; i < count; ++i) {
        const double s = 1 / (1 + std::exp(-double{gate[i]})), silu = gate[i] * s;
        y.push_back(silu * up[i]);
        d_gate.push_back(g[i] * up[i] * (s + silu * (1 - s)));
        d_up.push_back(g[i] * silu);
      }
      const tests::CudaRows gate_rows(gate, type), up_rows(up, type), g_rows(g, type),
          y_rows(count, type), d_gate_rows(count, type), d_up_rows(count, type);
      cuda::swiglu(gate_rows.data(), up_rows.data(), type, count, y_rows.data(), {});
      cuda::swiglu_gradient(gate_rows.data(), up_rows.data(), g_rows.data(), type, count,
                            d_gate_rows.data(), d_up_rows.data(), {});
      EXPECT_LT(tests::greatest_error(y_rows.host(), y), tests::tolerance(type));
      EXPECT_LT(tests::greatest_error(d_gate_rows.host(), d_gate), tests::tolerance(type));
      EXPECT_LT(tests::greatest_error(d_up_rows.host(), d_up), tests::tolerance(type));
    }
  }
}

TEST(SwigluCuda, GateAndUpMayBeHalvesOfARow) {
  SKIP_WITHOUT_DEVICE();
  for (const ElementType type : tests::kRowTypes) {
    for (const std::int64_t width : {3, 64, 1408}) {
      for (const std::int64_t rows : {1, 5000}) {
        const auto gate_up = tests::bf16_numbers(2 * rows * width, 5);
        const auto g = tests::bf16_numbers(rows * width, 7);
        std::vector<float> gate, up;
        for (std::int64_t row = 0; row < rows; ++row) {
          const auto begin = gate_up.begin() + row * 2 * width;
          gate.insert(gate.end(), begin, begin + width);
          up.insert(up.end(), begin + width, begin + 2 * width);
        }
        const std::int64_t count = rows * width;
        const tests::CudaRows both(gate_up, type), gate_rows(gate, type), up_rows(up, type),
            dy(g, type), y(count, type), expected(count, type), d_both(2 * count, type),
            d_gate(count, type), d_up(count, type);
        cuda::swiglu(gate_rows.data(), up_rows.data(), type, count, expected.data(), {});
        cuda::swiglu_rows(both.data(), type, rows, width, y.data(), {});
        EXPECT_EQ(y.host(), expected.host());
        cuda::swiglu_gradient(gate_rows.data(), up_rows.data(), dy.data(), type, count,
                              d_gate.data(), d_up.data(), {});
        cuda::swiglu_rows_gradient(both.data(), dy.data(), type, rows, width, d_both.data(), {});
        const auto joined = d_both.host(), first = d_gate.host(), second = d_up.host();
        for (std::int64_t i = 0; i < count; ++i) {
          const auto at = static_cast<std::size_t>(i / width * 2 * width + i % width);
          ASSERT_EQ(joined[at], first[static_cast<std::size_t>(i)]);
          ASSERT_EQ(joined[at + static_cast<std::size_t>(width)],
                    second[static_cast<std::size_t>(i)]);
        }
      }
    }
  }
}

}  // namespace
}  // namespace kernels

#endif
