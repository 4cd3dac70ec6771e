// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/range_statistics/range_statistics.h"

#include <cstdint>

namespace kernels::cpu {

/// Rows of RMSNorm on one thread: scale = (mean x² + epsilon)^-½ per row, y = x · scale · weight.
/// x, y [rows, width], weight [width], scale [rows].
void rms_norm(const float* x, const float* weight, std::int64_t rows, std::int64_t width,
              float epsilon, float* y, float* scale);

/// Gradient of x, and that of the weight added to `weight_gradient` [width], row after row.
void rms_norm_gradient(const float* x, const float* weight, const float* scale,
                       const float* y_gradient, std::int64_t rows, std::int64_t width,
                       float* x_gradient, float* weight_gradient);

}  // namespace kernels::cpu

#ifdef PARADIGM_WITH_CUDA
/// On device memory, asynchronous on `stream`; rows of fp32, bf16 or fp16, arithmetic in fp32.
namespace kernels::cuda {

/// As Hugging Face's LlamaRMSNorm: x · scale and the weight are each rounded to the rows' type
/// before they are multiplied. scale [rows] is fp32. With `delta`, the rows are x + delta, rounded
/// to their type and written to `sum`; else both are null. Folds the range of y into `extent`
/// unless that is null.
void rms_norm(const void* x, const void* delta, const float* weight, ElementType type,
              std::int64_t rows, std::int64_t width, float epsilon, void* sum, void* y,
              float* scale, ObservedRange extent, Stream stream);

inline constexpr unsigned kRmsNormPartialRows = 528;

/// `x_gradient` gets the gradient of the rows, plus `sum_gradient` unless that is null. Of the
/// weight's gradient, each row of `partial_weight_gradients` [kRmsNormPartialRows, width] gets the
/// sum over a share of the rows, always in the same order.
void rms_norm_gradient(const void* x, const float* weight, const float* scale,
                       const void* y_gradient, const void* sum_gradient, ElementType type,
                       std::int64_t rows, std::int64_t width, void* x_gradient,
                       float* partial_weight_gradients, Stream stream);

/// The weight's gradient [width] of those partial ones.
void rms_norm_weight_gradient(const float* partial, std::int64_t width, float* weight_gradient,
                              Stream stream);

}  // namespace kernels::cuda
#endif
