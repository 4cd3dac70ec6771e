// SPDX-License-Identifier: GPL-3.0-or-later
// A checkpoint folder in Hugging Face's layout, with optimizer and simulation state and a manifest
// beside the weights. It appears by rename, complete or not at all.
#pragma once

#include "engine/checkpoint/checkpoint_weights.h"
#include "engine/checkpoint/manifest.h"
#include "engine/model/llama_config.h"

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace engine {

class AdamW;
class Llama;

/// The small files of a checkpoint, read once at the start of a run so that the source may go away.
using CheckpointFiles = std::map<std::string, std::string>;

/// config.json (source keys kept, torch_dtype float32, transform recorded), generation_config.json
/// (the model's, or made), the tokenizer's files, transform.yaml. `model_dir` may be empty for a
/// new model. `transform_text` empty = plain.
CheckpointFiles checkpoint_files(const LlamaConfig& config, const std::filesystem::path& model_dir,
                                 const std::filesystem::path& tokenizer_dir,
                                 const std::string& transform_text,
                                 const std::string& transform_digest);

struct SaveResult {
  std::filesystem::path path;
  std::int64_t bytes = 0;
  double seconds = 0;
};

/// The tensors of a checkpoint and where the training stood.
struct CheckpointState {
  NamedTensors weights;
  NamedTensors moments;     ///< of the optimizer
  NamedTensors simulation;  ///< of the simulated layers
  Manifest manifest;        ///< without its list of files

  std::int64_t bytes() const;
};

/// The live tensors themselves: to be written before the next step changes them.
CheckpointState live_state(Llama& model, const AdamW& optimizer, Manifest manifest);

/// Writes RUN_DIR/checkpoint-<step>: free space checked, temporary folder, every file synced,
/// manifest last, rename, folder synced. A folder of that name is replaced. Throws Error (disk
/// full, read-only) with nothing left behind.
SaveResult write_checkpoint(const std::filesystem::path& run_dir, const CheckpointState& state,
                            const CheckpointFiles& files);
/// write_checkpoint of the live state.
SaveResult save_checkpoint(const std::filesystem::path& run_dir, Llama& model,
                           const AdamW& optimizer, const CheckpointFiles& files, Manifest manifest);

/// Throws Error with the id "disk-full" where one checkpoint and the final model would not fit now:
/// what can be known before the first step.
void require_room_for_checkpoint(const std::filesystem::path& run_dir, Llama& model,
                                 const AdamW& optimizer);

/// Copies a checkpoint's model (weights, configuration, tokenizer, transform, simulation state) to
/// the run folder's root, so that from_pretrained(RUN_DIR) loads it. model.safetensors comes last.
void publish_model(const std::filesystem::path& run_dir, const std::filesystem::path& checkpoint);

/// Restores what a resume needs beside the weights. Throws Error naming the first tensor that is
/// missing or misshapen.
void load_optimizer(const std::filesystem::path& checkpoint, AdamW& optimizer);

/// Fills the simulation state of the named layers from CHECKPOINT/simulation_state.safetensors.
/// Returns the buffers
/// ("<layer>.<buffer>") of the model that were not restored, in module order.
std::vector<std::string> load_simulation_state(const std::filesystem::path& checkpoint,
                                               Llama& model,
                                               const std::vector<std::string>& layers);

/// The optimizer step that a folder's simulation state was saved at; 0 for a model that was plain.
std::int64_t step_of_simulation_state(const std::filesystem::path& directory);

}  // namespace engine
