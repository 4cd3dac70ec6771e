// SPDX-License-Identifier: GPL-3.0-or-later
// How much arithmetic a training step is, and how much a device could do.
#pragma once

#include "engine/model/llama_config.h"

#include <optional>
#include <string>

namespace engine {

/// FLOPs of a plain training step per token: three times the forward matmuls of Linears, head and
/// attention, causal attention at half. What simulation adds is never counted.
double train_flops_per_token(const LlamaConfig& config, std::int64_t sequence);

/// Upstream's count for its `mfu(%)`: 6·N_ex + 12·L·H·D·S, attention in full.
double upstream_flops_per_token(const LlamaConfig& config, std::int64_t sequence);

/// Dense bf16 FLOP/s that the maker states for a device of this name ("NVIDIA H200"); nothing for a
/// device that is not known.
std::optional<double> peak_bf16_flops(const std::string& device_name);

}  // namespace engine
