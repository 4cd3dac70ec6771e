// SPDX-License-Identifier: GPL-3.0-or-later
// One element of silu(gate) · up and of its gradient.
#pragma once

namespace kernels::device {

// The fast division is off by two units in the last place, as the exponential is.
__device__ inline float sigmoid(float x) { return __fdividef(1.0f, 1.0f + __expf(-x)); }

__device__ inline float gated(float gate, float up) { return gate * (sigmoid(gate) * up); }

/// Turns gate and up into their gradients.
__device__ inline void gated_gradient(float y_gradient, float& gate, float& up) {
  const float s = sigmoid(gate);
  const float silu = gate * s;
  gate = y_gradient * up * (s + silu * (1.0f - s));
  up = y_gradient * silu;
}

}  // namespace kernels::device
