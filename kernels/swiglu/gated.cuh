// SPDX-License-Identifier: GPL-3.0-or-later
// One element of silu(gate) · up and of its gradient.
#pragma once

namespace kernels::device {

/// 1 / (1 + e^-x), off by two units in the last place as its two steps are. What they flush to zero
/// is below 2^-126.
__device__ inline float sigmoid(float x) {
  float power, result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(x * -1.4426950408889634f));
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(1.0f + power));
  return result;
}

__device__ inline float gated(float gate, float up) { return gate * (sigmoid(gate) * up); }

/// Turns gate and up into their gradients.
__device__ inline void gated_gradient(float y_gradient, float& gate, float& up) {
  const float s = sigmoid(gate);
  const float silu = gate * s;
  gate = y_gradient * up * (s + silu * (1.0f - s));
  up = y_gradient * silu;
}

}  // namespace kernels::device
