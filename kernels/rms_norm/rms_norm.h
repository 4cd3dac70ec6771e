// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

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
