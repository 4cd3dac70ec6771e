// SPDX-License-Identifier: GPL-3.0-or-later
// The binding: tensors in, kernels called with pointers on all threads. Everything here is without
// gradient. A range is an fp32 tensor {lo, hi}.
#pragma once

#include "engine/config/param_schema.h"
#include "kernels/level_quantiser/level_quantiser.h"
#include "kernels/range_statistics/range_statistics.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>

namespace engine::optical_transformer {

/// Throws Error naming `layer` for a tensor that is not in main memory.
void require_cpu(const at::Tensor& tensor, const std::string& layer);

/// The values in fp32 with every element exactly once in a gapless piece of memory, in any order of
/// dimensions: the tensor itself when it already is so.
at::Tensor dense_float(const at::Tensor& tensor);

at::Tensor range_tensor(const kernels::Range& range);

/// [min, max] or the two quantiles (exact) of a dense_float tensor.
at::Tensor observed_range(const at::Tensor& dense, const std::optional<RealPair>& quantiles);

/// Q(dense) with the strides of `dense`.
at::Tensor quantised(const at::Tensor& dense, std::int32_t levels, const at::Tensor& range,
                     float lut_min);

/// Q of contiguous rows [rows, cols] in place, bias added. Returns the range before the clamp.
at::Tensor read_out_in_place(const at::Tensor& rows, const kernels::ReadOut& how);

/// lo <= value <= hi by elements, bool; false for NaN.
at::Tensor inside(const at::Tensor& value, const at::Tensor& range);

/// `gradient` where lo <= value <= hi, else 0.
at::Tensor clipped(const at::Tensor& gradient, const at::Tensor& value, const at::Tensor& range);

/// The share of values that lie outside the range: 0-d.
at::Tensor share_outside(const at::Tensor& value, const at::Tensor& range);

/// 10·log10(Σ exact² / Σ (actual - exact)²): 0-d, infinite when nothing differs.
at::Tensor signal_to_noise(const at::Tensor& exact, const at::Tensor& actual);

}  // namespace engine::optical_transformer
