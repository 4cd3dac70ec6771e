// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <ATen/core/Tensor.h>

namespace engine {

/// RMSNorm over the last dimension: x in fp32 · rsqrt(mean x² + epsilon), cast to the dtype of x,
/// then · weight. weight [width] is the fp32 master; its gradient is fp32. Saves x and one number
/// per row.
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double epsilon);

struct NormedSum {
  at::Tensor sum;     ///< x + delta
  at::Tensor normed;  ///< rms_norm(sum)
};

/// The end of one residual branch and the start of the next. x and delta: same shape and dtype.
NormedSum add_rms_norm(const at::Tensor& x, const at::Tensor& delta, const at::Tensor& weight,
                       double epsilon);

}  // namespace engine
