// SPDX-License-Identifier: GPL-3.0-or-later
// The binding: tensors in, kernels called with pointers on all threads. Everything here is without
// gradient.
#pragma once

#include "engine/config/param_schema.h"
#include "kernels/level_quantiser/level_quantiser.h"
#include "kernels/range_statistics/range_statistics.h"

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

namespace engine::optical_transformer {

/// Throws Error naming `layer` for a tensor that is not in main memory.
void require_cpu(const at::Tensor& tensor, const std::string& layer);

/// The values in fp32 with every element exactly once in a gapless piece of memory, in any order of
/// dimensions: the tensor itself when it already is so.
at::Tensor dense_float(const at::Tensor& tensor);

/// [min, max] or the two quantiles (exact) of a dense_float tensor.
kernels::Range observed_range(const at::Tensor& dense, const std::optional<RealPair>& quantiles);

/// Q(dense) with the strides of `dense`.
at::Tensor quantised(const at::Tensor& dense, std::int32_t levels, const kernels::Range& range,
                     float lut_min);

/// Q of contiguous rows [rows, cols] in place, bias added. Returns the range before the clamp.
kernels::Range read_out_in_place(const at::Tensor& rows, const kernels::ReadOut& how);

/// lo <= value <= hi by elements, bool; false for NaN.
at::Tensor inside(const at::Tensor& value, const kernels::Range& range);

/// `gradient` where lo <= value <= hi, else 0.
at::Tensor clipped(const at::Tensor& gradient, const at::Tensor& value,
                   const kernels::Range& range);

}  // namespace engine::optical_transformer
