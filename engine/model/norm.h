// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/model/layer_input.h"

#include <ATen/core/Tensor.h>

namespace engine {

/// RMSNorm over the last dimension: x in fp32 · rsqrt(mean x² + epsilon), cast to the dtype of x,
/// then · weight. weight [width] is the fp32 master; its gradient is fp32. Saves x and one number
/// per row.
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double epsilon);

struct NormedSum {
  at::Tensor sum;     ///< x + delta
  LayerInput normed;  ///< rms_norm(sum)
};

/// The end of one residual branch and the start of the next. x and delta: same shape and dtype.
/// On CUDA with the extent of the norm if it is wanted.
NormedSum add_rms_norm(const at::Tensor& x, const at::Tensor& delta, const at::Tensor& weight,
                       double epsilon, const Extent& wanted = {});

struct NormGradients {
  at::Tensor x, weight;
};
/// Those of rms_norm(x), from that of y, and with `sum_gradient` added to that of x unless it is
/// undefined. `scale`: fp32 [..., 1], 1 / the root mean square of each row.
NormGradients rms_norm_gradients(const at::Tensor& x, const at::Tensor& weight,
                                 const at::Tensor& scale, const at::Tensor& y_gradient,
                                 const at::Tensor& sum_gradient);

}  // namespace engine
