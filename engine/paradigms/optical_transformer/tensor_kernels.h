// SPDX-License-Identifier: GPL-3.0-or-later
// The binding: tensors in, kernels called with pointers, on all threads of the CPU or on the
// current stream of CUDA, where nothing waits for the device. Everything here is without gradient.
// A range is an fp32 tensor {lo, hi} on the layer's device.
#pragma once

#include "engine/config/param_schema.h"
#include "kernels/level_quantiser/level_quantiser.h"
#include "kernels/range_statistics/range_statistics.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace engine::optical_transformer {

/// Throws Error naming `layer` unless this build simulates layers on `device`.
void require_kernels(c10::Device device, const std::string& layer);

/// Throws Error naming `layer`, whose state is on `device`, for an input elsewhere.
void require_same_device(const at::Tensor& input, c10::Device device, const std::string& layer);

/// The values with every element exactly once in a gapless piece of memory, in any order of
/// dimensions: the tensor itself when it already is so. In fp32 on the CPU; CUDA's kernels read
/// bf16 and fp16 as well, so there the type stays.
at::Tensor dense_values(const at::Tensor& tensor);

at::Tensor range_tensor(const kernels::Range& range);

/// [min, max] or two quantiles of dense_values: on the CPU exact, on CUDA to one of 4,096 bins.
at::Tensor observed_range(const at::Tensor& dense, const std::optional<RealPair>& quantiles);

/// kernels::update_range on tensors; counts an observation that is not finite in `refused`, int32.
void update_range(const at::Tensor& state, const at::Tensor& observed, float smooth,
                  const at::Tensor& refused);

/// A running range that a kernel on CUDA updates by itself, see kernels::cuda::RunningRange.
struct RangeUpdate {
  at::Tensor state;
  at::Tensor scratch;  ///< from range_scratch()
  at::Tensor refused;
  at::Tensor used;  ///< {lo, hi}, written by the kernel
  float smooth = 0;
};

/// The scratch of a RangeUpdate, on a CUDA device.
at::Tensor range_scratch(const at::Tensor& state);

/// Observes dense_values on CUDA and updates the range; `used` becomes the new state.
void observe_into(const RangeUpdate& range, const at::Tensor& dense);

/// Halves tell apart this many levels.
inline constexpr std::int32_t kMostHalfLevels = 1024;

/// The type in which the operands of a simulated product are held when a layer's input is `dense`.
/// fp16 on CUDA for a 16-bit input and up to 1,024 levels, a rounding of at most an eighth of a
/// level; else fp32.
c10::ScalarType operand_type(const at::Tensor& dense, std::int32_t levels);

/// An operand whose range is observed on the way.
struct OperandEncoding {
  at::Tensor dense;
  RangeUpdate range;
  float lut_min = 0;
  at::Tensor partner{};  ///< as OperandQuantiser's; may be another one's range.used
};

/// observe_into() and quantised() for all operands of a product, in one kernel on CUDA.
std::vector<at::Tensor> encoded(const std::vector<OperandEncoding>& operands, std::int32_t levels,
                                c10::ScalarType type);

/// How an operand is quantised.
struct OperandQuantiser {
  std::int32_t levels = 256;
  at::Tensor range;
  float lut_min = 0;  ///< 0 = no floor
  c10::ScalarType type = c10::ScalarType::Float;
  at::Tensor partner{};  ///< range of the operand that it will be multiplied with; read for fp16
};

/// Q(dense) with the strides of `dense`.
at::Tensor quantised(const at::Tensor& dense, const OperandQuantiser& how);

/// a·b of two operands, [M, K] and [K, N], accumulated and returned in fp32.
at::Tensor product(const at::Tensor& a, const at::Tensor& b);

/// The type in which gradients of a layer with this input are multiplied: fp32, on CUDA that of the
/// input. They accumulate in fp32.
c10::ScalarType gradient_type(const at::Tensor& input);

/// a·b of two gradients or values of gradient_type, rounded once to `type`.
at::Tensor gradient_product(const at::Tensor& a, const at::Tensor& b, c10::ScalarType type);

/// Q of contiguous fp32 rows [rows, cols], bias added, in `type`; in place when that is fp32, and
/// always on the CPU, which leaves the conversion to the caller. `observed` gets the range before
/// the clamp.
at::Tensor read_out(const at::Tensor& rows, const kernels::ReadOut& how, c10::ScalarType type,
                    at::Tensor& observed);
/// The same on CUDA in a running range, which is updated afterwards; `used` becomes the old state.
at::Tensor read_out(const at::Tensor& rows, const kernels::ReadOut& how, c10::ScalarType type,
                    const RangeUpdate& range);

/// lo <= value <= hi by elements, bool; false for NaN.
at::Tensor inside(const at::Tensor& value, const at::Tensor& range);

/// `gradient` where lo <= value <= hi, else 0.
at::Tensor clipped(const at::Tensor& gradient, const at::Tensor& value, const at::Tensor& range);

/// The share of values that lie outside the range: 0-d.
at::Tensor share_outside(const at::Tensor& value, const at::Tensor& range);

/// 10·log10(Σ exact² / Σ (actual - exact)²): 0-d, infinite when nothing differs.
at::Tensor signal_to_noise(const at::Tensor& exact, const at::Tensor& actual);

}  // namespace engine::optical_transformer
