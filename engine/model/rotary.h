// SPDX-License-Identifier: GPL-3.0-or-later
// Rotary position embedding in Hugging Face's layout: element j of a head is paired with element j
// + D/2.
#pragma once

#include "engine/model/llama_config.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace engine {

/// f_j = theta^(-2j/D), j = 0 … D/2 - 1, after the configuration's scaling (llama3 or linear). fp32
/// arithmetic, as the models were trained.
std::vector<float> rotary_frequencies(const LlamaConfig& config);

/// cos and sin of position · frequency, fp32, each [positions, 1, D/2]: broadcast over [B, S, H,
/// D/2].
struct RotaryTables {
  at::Tensor cos;
  at::Tensor sin;
};
RotaryTables rotary_tables(const std::vector<float>& frequencies, std::int64_t positions,
                           at::Device device);

/// Rotates x [B, S, H, D] by the first S positions of the tables: x·cos + rotate_half(x)·sin,
/// computed in fp32, returned in the dtype of x. Differentiable; saves no activation.
at::Tensor apply_rotary(const at::Tensor& x, const RotaryTables& tables);

}  // namespace engine
