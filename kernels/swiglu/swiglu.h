// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

namespace kernels::cpu {

/// y = silu(gate) · up, elementwise on one thread.
void swiglu(const float* gate, const float* up, std::int64_t count, float* y);

/// Gradients of gate and up from that of y; silu is computed again.
void swiglu_gradient(const float* gate, const float* up, const float* y_gradient,
                     std::int64_t count, float* gate_gradient, float* up_gradient);

}  // namespace kernels::cpu
