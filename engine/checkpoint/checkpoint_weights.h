// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/safetensors_file.h"
#include "engine/model/llama.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace engine {

/// Parameters that are loaded, of how many.
using LoadProgress = std::function<void(std::int64_t done, std::int64_t total)>;
using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

/// The weights of a checkpoint folder (one file or shards; fp32, bf16 or fp16) as fp32 masters on
/// `device`, each read from the memory map once. Throws Error listing missing, unexpected and
/// misshapen tensors. Weights that are not finite are named in `warnings`. `on_progress`, if given,
/// hears how many parameters are there, before each tensor; what it throws ends the loading.
TensorMap load_weights(const std::filesystem::path& directory, const LlamaConfig& config,
                       at::Device device, std::vector<std::string>& warnings,
                       const LoadProgress& on_progress = {});

/// Gives embedding and head `rows` rows when they have fewer; new ones are the mean of the present
/// ones. Changes config.vocab_size. Returns whether anything grew.
bool grow_embedding(LlamaConfig& config, TensorMap& weights, std::int64_t rows);

/// The tensor named `name` as fp32 on the CPU, copied out of the mapping.
at::Tensor read_tensor(const SafetensorsSet& set, const std::string& name);

/// Writes `tensors` (fp32, any device) to `file` without a second copy of those on the CPU. Throws
/// Error.
void write_tensors(const std::filesystem::path& file, const NamedTensors& tensors,
                   std::map<std::string, std::string> metadata = {});

}  // namespace engine
