// SPDX-License-Identifier: GPL-3.0-or-later
// What a checkpoint folder holds, from its headers alone: no weight is read, so it takes
// milliseconds at any size.
#pragma once

#include "engine/checkpoint/transform_record.h"
#include "engine/model/llama_config.h"
#include "engine/problem.h"
#include "engine/transform/layer_inventory.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace engine {

class SafetensorsSet;

struct ModelFolder {
  std::filesystem::path path;  ///< empty for a configuration by name
  LlamaConfig config;
  LayerInventory inventory;
  std::string dtype;  ///< as in config.json; that of most weights where there are any
  std::vector<std::filesystem::path> weight_files;
  std::uint64_t weight_bytes = 0;
  std::optional<TransformRecord> transform;  ///< what its weights were trained under
  /// Errors: no weights, tensors that are missing, unexpected or of another shape. Notes and
  /// warnings: a rope scaling that an exporter may have added, mixed dtypes.
  std::vector<Problem> problems;
};

/// Opens FOLDER/config.json and the headers of its weights. What is wrong with the weights becomes
/// a problem; what is wrong with the configuration throws Error. Any thread.
ModelFolder open_model_folder(const std::filesystem::path& folder);

/// A configuration without weights, such as one of the CLM family's.
ModelFolder model_folder_of(LlamaConfig config);

/// What does not fit between the weights and the configuration; empty when every tensor has its
/// place.
std::vector<Problem> weight_problems(const SafetensorsSet& weights, const LlamaConfig& config,
                                     const std::string& place);

}  // namespace engine
