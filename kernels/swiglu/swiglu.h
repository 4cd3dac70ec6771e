// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/device.h"

#include <cstdint>

namespace kernels::cpu {

/// y = silu(gate) · up, elementwise on one thread.
void swiglu(const float* gate, const float* up, std::int64_t count, float* y);

/// Gradients of gate and up from that of y; silu is computed again.
void swiglu_gradient(const float* gate, const float* up, const float* y_gradient,
                     std::int64_t count, float* gate_gradient, float* up_gradient);

}  // namespace kernels::cpu

#ifdef PARADIGM_WITH_CUDA
/// The same on device memory, asynchronous on `stream`; fp32, bf16 or fp16, arithmetic in fp32,
/// rounded once.
namespace kernels::cuda {
void swiglu(const void* gate, const void* up, ElementType type, std::int64_t count, void* y,
            Stream stream);
void swiglu_gradient(const void* gate, const void* up, const void* y_gradient, ElementType type,
                     std::int64_t count, void* gate_gradient, void* up_gradient, Stream stream);

/// The same where one product made both: a row of `gate_up` [rows, 2 · width] is gate, then up, and
/// so is a row of its gradient. y and its gradient are [rows, width].
void swiglu_rows(const void* gate_up, ElementType type, std::int64_t rows, std::int64_t width,
                 void* y, Stream stream);
void swiglu_rows_gradient(const void* gate_up, const void* y_gradient, ElementType type,
                          std::int64_t rows, std::int64_t width, void* gate_up_gradient,
                          Stream stream);
}  // namespace kernels::cuda
#endif
