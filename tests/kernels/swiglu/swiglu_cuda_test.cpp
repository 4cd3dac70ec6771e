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

}  // namespace
}  // namespace kernels

#endif
