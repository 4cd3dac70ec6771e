// SPDX-License-Identifier: GPL-3.0-or-later
// What tensor_kernels.h does with tensors on CUDA: kernels on the current stream. Nothing here
// waits for the device or reads it. Operands may be fp32, bf16 or fp16, contiguous or dense in any
// order of dimensions; ranges are fp32 {lo, hi}.
#pragma once

#include "engine/config/param_schema.h"
#include "kernels/level_quantiser/level_quantiser.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace engine::optical_transformer {

struct OperandEncoding;
struct RangeUpdate;

/// Whether this build holds the kernels, and so whether anything of namespace on_cuda is there.
#ifdef PARADIGM_WITH_CUDA
inline constexpr bool kHasCudaKernels = true;
#else
inline constexpr bool kHasCudaKernels = false;
#endif

namespace on_cuda {

/// [min, max], or two quantiles by a histogram of 4,096 bins between them (error: one bin).
at::Tensor observed_range(const at::Tensor& dense, const std::optional<RealPair>& quantiles);

/// kernels::update_range; counts an observation that is not finite in `refused`, int32.
void update_range(const at::Tensor& state, const at::Tensor& observed, float smooth,
                  const at::Tensor& refused);

/// How many values of contiguous fp32 `dense` lie outside `range`: int64, 0-d.
at::Tensor count_outside(const at::Tensor& dense, const at::Tensor& range);

at::Tensor range_scratch(const at::Tensor& state);
void observe_into(const RangeUpdate& range, const at::Tensor& dense);

std::vector<at::Tensor> encoded(const std::vector<OperandEncoding>& operands, std::int32_t levels,
                                c10::ScalarType type);

/// Q(dense) in fp32 or fp16 with the strides of `dense`; in fp16 balanced against `partner`, the
/// range of the operand that it will be multiplied with.
at::Tensor quantised(const at::Tensor& dense, std::int32_t levels, const at::Tensor& range,
                     float lut_min, c10::ScalarType type, const at::Tensor& partner);

/// Q of contiguous fp32 rows [..., cols], bias added: in place, or as a new tensor when `type` is
/// not fp32. `observed` gets the range before the clamp.
at::Tensor read_out(const at::Tensor& rows, const kernels::ReadOut& how, c10::ScalarType type,
                    at::Tensor& observed);
at::Tensor read_out(const at::Tensor& rows, const kernels::ReadOut& how, c10::ScalarType type,
                    const RangeUpdate& range);

}  // namespace on_cuda
}  // namespace engine::optical_transformer
