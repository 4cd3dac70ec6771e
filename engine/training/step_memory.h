// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/model/llama_config.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace engine {

/// Bytes that the activations of one plain step over so many tokens take at the very least, when
/// the backward pass begins: what the layers keep for it, and the gradients of one layer's two
/// hidden products. `checkpointing` as --activation_checkpointing; `bf16` the compute dtype. A step
/// that does not have this much cannot be taken; one that does may still need more.
double least_activation_bytes(const LlamaConfig& model, std::int64_t tokens, bool bf16,
                              const std::string& checkpointing);

/// What a step of so many rows adds to the memory at its peak, from steps of a sixteenth and an
/// eighth of them. `peak_of(rows)` takes one and returns its peak in bytes, nothing when the system
/// does not tell. Nothing, and no step, for fewer rows than sixteen.
std::optional<double> extrapolated_peak(
    std::int64_t rows, const std::function<std::optional<std::int64_t>(std::int64_t)>& peak_of);

}  // namespace engine
