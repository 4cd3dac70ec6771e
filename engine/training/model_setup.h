// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint_weights.h"
#include "engine/model/llama.h"
#include "engine/training/training_data.h"
#include "engine/transform/transform_choice.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace engine {

/// Throws Error when `copies` times the model's fp32 weights exceed the memory of this machine:
/// 1 to hold it, 4 to train it on the CPU (weights, gradients, two moments).
void require_memory(const LlamaConfig& config, int copies);

/// Loads or initialises the weights on `device` and grows the embedding to `rows` if it has fewer;
/// `source.config` follows. What a user must know goes to `notes`, what is wrong with the weights
/// to `warnings`. `on_progress` as load_weights()'s.
std::unique_ptr<Llama> make_model(ModelSource& source, std::int64_t rows, std::uint64_t seed,
                                  at::Device device, std::vector<std::string>& notes,
                                  std::vector<std::string>& warnings,
                                  const LoadProgress& on_progress = {});

/// "none", "selective" or "layer", of --activation_checkpointing. Throws Error for a model with
/// attention dropout, whose draws a repeated pass would not repeat.
ActivationCheckpointing checkpointing_of(const std::string& name, const LlamaConfig& config);

/// A plain model over the very same weight tensors, which a transform or a training of either then
/// shares with the other. Costs no memory to speak of.
std::unique_ptr<Llama> plain_twin(const Llama& model);

/// Carries the chosen transform out and restores the simulation state of the layers whose rule has
/// not changed. Returns the buffers that were not restored.
std::vector<std::string> transform_model(
    Llama& model, const TransformChoice& choice, const std::filesystem::path& state_dir,
    std::uint64_t seed, const std::function<void(const Assignment&)>& on_layer = {});

}  // namespace engine
