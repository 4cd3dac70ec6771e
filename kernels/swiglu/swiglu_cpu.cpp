// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/isa_dispatch.h"
#include "kernels/swiglu/swiglu.h"
#include "kernels/vector_exp.h"

namespace kernels::cpu {
namespace {

/// 1 / (1 + e^-x), by the exponential of a negative number so that nothing overflows.
PARADIGM_ALWAYS_INLINE float sigmoid(float x) {
  const float tail = exp_of_negative(x < 0 ? x : -x);
  const float small = tail / (1.0f + tail);
  return x < 0 ? small : 1.0f - small;
}

PARADIGM_ALWAYS_INLINE void swiglu_body(const float* __restrict gate, const float* __restrict up,
                                        std::int64_t count, float* __restrict y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = gate[i] * sigmoid(gate[i]) * up[i];
}

PARADIGM_ALWAYS_INLINE void swiglu_gradient_body(
    const float* __restrict gate, const float* __restrict up, const float* __restrict y_gradient,
    std::int64_t count, float* __restrict gate_gradient, float* __restrict up_gradient) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float s = sigmoid(gate[i]);
    const float silu = gate[i] * s;
    up_gradient[i] = y_gradient[i] * silu;
    gate_gradient[i] = y_gradient[i] * up[i] * (s + silu * (1.0f - s));
  }
}

}  // namespace

PARADIGM_DISPATCH(void, swiglu, (const float* gate, const float* up, std::int64_t count, float* y),
                  (gate, up, count, y))
PARADIGM_DISPATCH(void, swiglu_gradient,
                  (const float* gate, const float* up, const float* y_gradient, std::int64_t count,
                   float* gate_gradient, float* up_gradient),
                  (gate, up, y_gradient, count, gate_gradient, up_gradient))

}  // namespace kernels::cpu
