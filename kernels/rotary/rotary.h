// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/device.h"

#include <cstdint>

namespace kernels::cpu {

/// Rotates the heads of `positions` consecutive positions on one thread: x, y [positions, heads,
/// 2·half], cos, sin [positions, half]; y1 = x1·cos - x2·sin, y2 = x2·cos + x1·sin with x1, x2 the
/// halves of a head. `inverse` turns the other way: the gradient.
void rotate_heads(const float* x, const float* cos, const float* sin, std::int64_t positions,
                  std::int64_t heads, std::int64_t half, bool inverse, float* y);

}  // namespace kernels::cpu

#ifdef PARADIGM_WITH_CUDA
namespace kernels::cuda {

/// The same for `rows` rows, row r at position r mod `sequence`; row r of x begins at r · x_stride,
/// y is dense. rows · heads < 2^32. fp32, bf16 or fp16 in device memory, arithmetic in fp32;
/// asynchronous on `stream`.
void rotate_heads(const void* x, ElementType type, std::int64_t x_stride, const float* cos,
                  const float* sin, std::int64_t rows, std::int64_t sequence, std::int64_t heads,
                  std::int64_t half, bool inverse, void* y, Stream stream);

}  // namespace kernels::cuda
#endif
