// SPDX-License-Identifier: GPL-3.0-or-later
// The operands of one product from their values to their codes in one kernel: ranges observed,
// running averages updated, values quantised. Only on CUDA, where the seven kernels that do it one
// after the other cost more in launches than in work.
#pragma once

#include "kernels/level_quantiser/level_quantiser.h"

#include <cstdint>
#include <span>

#ifdef PARADIGM_WITH_CUDA
namespace kernels::cuda {

inline constexpr int kMostOperands = 4;

/// One operand: observe_into(x, range), then quantise(x) in the range that this leaves, see there.
struct OperandToEncode {
  const void* x = nullptr;
  ElementType type = ElementType::fp32;
  std::int64_t count = 0;  ///< > 0
  RunningRange range;      ///< `uses_new`
  float lut_min = 0;
  const float* partner = nullptr;  ///< may be another operand's `range.used`
  void* y = nullptr;
};

/// Bit for bit what observe_into and quantise give. All y are of `y_type`, with up to `levels`
/// levels. Asynchronous on `stream`; launched as a cooperative kernel.
void encode_operands(std::span<const OperandToEncode> operands, std::int32_t levels,
                     ElementType y_type, Stream stream);

}  // namespace kernels::cuda
#endif
