// SPDX-License-Identifier: GPL-3.0-or-later
// The operands of an optical Linear as halves, in one pass over each: an input whose least and
// greatest value are known from the kernel that wrote it, and the weights of many layers at once.
// What is encoded is Q(value) (kernels/level_quantiser) times a power of two, see unit_codes.cuh.
// Only on CUDA, where a pass over memory costs as much as a product.
#pragma once

#include "kernels/level_quantiser/level_quantiser.h"

#include <cstdint>
#include <span>

#ifdef PARADIGM_WITH_CUDA
namespace kernels::cuda {

/// Products of this many terms stay within fp16: 2^16 / (2 · 1).
inline constexpr std::int64_t kMostTerms = 32752;

inline constexpr int kMostFollowers = 2;

struct InputToEncode {
  const void* x = nullptr;
  ElementType type = ElementType::bf16;
  std::int64_t count = 0;  ///< > 0
  RunningRange range;      ///< `uses_new`; its scratch holds what observe() folded in of all of x
  /// Ranges of other layers that read the same x in the same range: updated as `range` is.
  RunningRange followers[kMostFollowers] = {};
  std::int32_t levels = 256;
  void* codes = nullptr;  ///< halves
};

/// Updates the ranges and encodes x in the new one. Asynchronous, like all here.
void encode_input(const InputToEncode& input, Stream stream);

struct WeightToEncode {
  const float* w = nullptr;
  std::int64_t count = 0;  ///< > 0
  RunningRange range;      ///< `uses_new`
  float lut_min = 0;
  std::int32_t levels = 256;
  void* codes = nullptr;  ///< halves
  /// Range scratch that is cleared, of the layer's input: whatever a pass that ended early left
  /// there. Or null.
  int* forgets = nullptr;
};

/// Observes and encodes all weights.
void encode_weights(std::span<const WeightToEncode> weights, Stream stream);

}  // namespace kernels::cuda
#endif
