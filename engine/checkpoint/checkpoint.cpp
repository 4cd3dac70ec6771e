// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/checkpoint.h"

#include "engine/checkpoint/checkpoint_weights.h"
#include "engine/checkpoint/saved_checkpoints.h"
#include "engine/checkpoint/transform_record.h"
#include "engine/error.h"
#include "engine/runs/file_descriptor.h"
#include "engine/runs/run_folder.h"
#include "engine/training/optimizer.h"

#include <ATen/core/grad_mode.h>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr const char* kModelFile = "model.safetensors";
constexpr const char* kOptimizerFile = "optimizer.safetensors";
constexpr const char* kSimulationFile = "simulation_state.safetensors";
constexpr const char* kTransformFile = "transform.yaml";
constexpr const char* kStepKey = "step";
constexpr const char* kManifestFile = "manifest.json";

constexpr const char* kTokenizerFiles[] = {"tokenizer.json",
                                           "tokenizer_config.json",
                                           "special_tokens_map.json",
                                           "added_tokens.json",
                                           "vocab.json",
                                           "merges.txt",
                                           "tokenizer.model",
                                           "chat_template.jinja"};

std::string config_json_with_record(LlamaConfig config, const std::string& transform_digest) {
  config.torch_dtype = "float32";
  return with_transform_record(llama_config_json(config), kTransformFile, transform_digest);
}

std::string made_generation_config(const LlamaConfig& config) {
  nlohmann::ordered_json json;
  json["_from_model_config"] = true;
  if (config.bos_token_id) json["bos_token_id"] = *config.bos_token_id;
  if (config.eos_token_ids.size() == 1) json["eos_token_id"] = config.eos_token_ids.front();
  if (config.eos_token_ids.size() > 1) json["eos_token_id"] = config.eos_token_ids;
  if (config.pad_token_id) json["pad_token_id"] = *config.pad_token_id;
  return json.dump(2) + "\n";
}

NamedTensors model_tensors(const Llama& model) {
  NamedTensors tensors;
  for (const Parameter& parameter : model.parameters()) {
    tensors.emplace_back(parameter.name, parameter.tensor);
  }
  return tensors;
}

NamedTensors simulation_tensors(Llama& model) {
  NamedTensors tensors;
  for (const NamedState& state : model.simulation_state()) {
    tensors.emplace_back(state.name, state.tensor);
  }
  return tensors;
}

std::int64_t bytes_of(const NamedTensors& tensors) {
  std::int64_t bytes = 0;
  for (const auto& [name, tensor] : tensors) bytes += static_cast<std::int64_t>(tensor.nbytes());
  return bytes;
}

void check_free_space(const fs::path& run_dir, std::int64_t needed,
                      const char* what = "a checkpoint") {
  std::error_code error;
  const fs::space_info space = fs::space(run_dir, error);
  if (error) return;
  const std::int64_t margin = (16 << 20) + needed / 100;
  if (space.available >= static_cast<std::uintmax_t>(needed + margin)) return;
  fail("disk-full", {.file = run_dir.string()},
       fmt::format("{} of {:.1f} MB needs {:.1f} MB of free space, and there are {:.1f} MB", what,
                   static_cast<double>(needed) / 1e6, static_cast<double>(needed + margin) / 1e6,
                   static_cast<double>(space.available) / 1e6),
       "Free space, choose an --output_dir on a larger disk, or set --save_total_limit so that old "
       "checkpoints go");
}

void sync_folder(const fs::path& folder) {
  const FileDescriptor descriptor(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some network file systems refuse to sync a folder (EINVAL); the rename itself has happened.
  if (!descriptor || (fsync(descriptor.get()) != 0 && errno != EINVAL)) {
    fail("cannot-write", {.file = folder.string()},
         std::string("cannot be synchronised: ") + std::strerror(errno), "Check the disk");
  }
}

/// A folder under construction: removed unless it was renamed to its final name.
class FolderInProgress {
 public:
  explicit FolderInProgress(const fs::path& target)
      : target_(target), path_(target.string() + ".tmp-" + random_suffix()) {
    std::error_code error;
    if (!fs::create_directory(path_, error)) {
      fail("cannot-write", {.file = path_.string()},
           "the folder cannot be made: " + (error ? error.message() : "it exists already"),
           "Check the permissions and the free space of the run folder");
    }
  }
  ~FolderInProgress() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  FolderInProgress(const FolderInProgress&) = delete;
  FolderInProgress& operator=(const FolderInProgress&) = delete;

  const fs::path& path() const { return path_; }

  void publish() {
    sync_folder(path_);
    if (is_there(target_)) discard_folder(target_);
    std::error_code error;
    fs::rename(path_, target_, error);
    if (error) {
      fail("cannot-write", {.file = target_.string()},
           "the finished checkpoint cannot be renamed: " + error.message(), "Check the run folder");
    }
    path_.clear();
    sync_folder(target_.parent_path());
  }

 private:
  fs::path target_;
  fs::path path_;
};

/// Copies with a temporary name, fsync and rename.
void copy_durably(const fs::path& from, const fs::path& to) {
  const fs::path temporary = to.string() + ".tmp-" + random_suffix();
  std::error_code error;
  fs::copy_file(from, temporary, error);
  if (!error) {
    const FileDescriptor descriptor(open(temporary.c_str(), O_RDWR | O_CLOEXEC));
    if (!descriptor || fsync(descriptor.get()) != 0) {
      error = std::error_code(errno, std::generic_category());
    }
  }
  if (!error) fs::rename(temporary, to, error);
  if (error) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
    fail("cannot-write", {.file = to.string()}, "cannot be written: " + error.message(),
         "Free space, or choose another folder; the model is complete in " +
             from.parent_path().string());
  }
  sync_folder(to.parent_path());
}

/// Copies the stored tensor into `target`, which keeps its place in memory.
void restore(const SafetensorsSet& set, const std::string& name, at::Tensor target,
             const fs::path& checkpoint) {
  const TensorEntry* entry = set.find(name);
  if (entry == nullptr || entry->shape != target.sizes().vec()) {
    fail("missing-tensor", {.file = checkpoint.string()},
         "the checkpoint's state of " + name +
             (entry == nullptr ? " is missing" : " has another shape than the model's"),
         "Resume from another checkpoint");
  }
  target.copy_(read_tensor(set, name));
}

}  // namespace

CheckpointFiles checkpoint_files(const LlamaConfig& config, const fs::path& model_dir,
                                 const fs::path& tokenizer_dir, const std::string& transform_text,
                                 const std::string& transform_digest) {
  CheckpointFiles files;
  files["config.json"] = config_json_with_record(config, transform_digest);
  const fs::path generation = model_dir / "generation_config.json";
  files["generation_config.json"] = !model_dir.empty() && is_there(generation)
                                        ? read_file(generation)
                                        : made_generation_config(config);
  for (const char* name : kTokenizerFiles) {
    const fs::path file = tokenizer_dir / name;
    if (is_there(file)) files[name] = read_file(file);
  }
  if (!transform_digest.empty()) files[kTransformFile] = transform_text;
  return files;
}

std::int64_t CheckpointState::bytes() const {
  return bytes_of(weights) + bytes_of(moments) + bytes_of(simulation);
}

CheckpointState live_state(Llama& model, const AdamW& optimizer, Manifest manifest) {
  return {.weights = model_tensors(model),
          .moments = optimizer.state(),
          .simulation = simulation_tensors(model),
          .manifest = std::move(manifest)};
}

SaveResult save_checkpoint(const fs::path& run_dir, Llama& model, const AdamW& optimizer,
                           const CheckpointFiles& files, Manifest manifest) {
  return write_checkpoint(run_dir, live_state(model, optimizer, std::move(manifest)), files);
}

SaveResult write_checkpoint(const fs::path& run_dir, const CheckpointState& state,
                            const CheckpointFiles& files) {
  const auto started = std::chrono::steady_clock::now();
  check_free_space(run_dir, state.bytes());

  Manifest manifest = state.manifest;
  const fs::path target = RunFolder{run_dir}.checkpoint(manifest.trainer.step);
  FolderInProgress folder(target);
  std::vector<std::string> names;
  const auto write = [&](const char* name, const NamedTensors& tensors) {
    write_tensors(folder.path() / name, tensors);
    names.emplace_back(name);
  };
  write(kModelFile, state.weights);
  write(kOptimizerFile, state.moments);
  // Even without any state: its step tells where schedules and noise go on.
  if (!state.simulation.empty() || files.count(kTransformFile) > 0) {
    write_tensors(folder.path() / kSimulationFile, state.simulation,
                  {{kStepKey, std::to_string(manifest.trainer.step)}});
    names.emplace_back(kSimulationFile);
  }
  for (const auto& [name, content] : files) {
    replace_file(folder.path() / name, content);
    names.push_back(name);
  }

  SaveResult result{.path = target, .bytes = 0, .seconds = 0};
  for (const std::string& name : names) {
    manifest.files.push_back(describe_file(folder.path() / name));
    result.bytes += manifest.files.back().bytes;
  }
  replace_file(folder.path() / kManifestFile, to_json(manifest));
  folder.publish();
  result.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return result;
}

void require_room_for_checkpoint(const fs::path& run_dir, Llama& model, const AdamW& optimizer) {
  const std::int64_t weights = bytes_of(model_tensors(model));
  const std::int64_t others = bytes_of(optimizer.state()) + bytes_of(simulation_tensors(model));
  check_free_space(run_dir, 2 * weights + others, "a checkpoint with the final model beside it");
}

void publish_model(const fs::path& run_dir, const fs::path& checkpoint) {
  const fs::path file = checkpoint / kManifestFile;
  const Manifest manifest = parse_manifest(read_file(file), file.string());
  std::int64_t bytes = 0;
  for (const ManifestFile& part : manifest.files) {
    if (part.name != kOptimizerFile) bytes += part.bytes;
  }
  check_free_space(run_dir, bytes);
  bool has_simulation = false;
  for (const ManifestFile& part : manifest.files) {
    has_simulation = has_simulation || part.name == kSimulationFile;
    if (part.name != kOptimizerFile && part.name != kModelFile) {
      copy_durably(checkpoint / part.name, run_dir / part.name);
    }
  }
  std::error_code ignored;
  if (!has_simulation) fs::remove(run_dir / kSimulationFile, ignored);
  copy_durably(checkpoint / kModelFile, run_dir / kModelFile);
}

void load_optimizer(const fs::path& checkpoint, AdamW& optimizer) {
  const at::NoGradGuard no_grad;
  const SafetensorsSet set = SafetensorsSet::open(checkpoint, "optimizer");
  for (const auto& [name, tensor] : optimizer.state()) restore(set, name, tensor, checkpoint);
}

std::vector<std::string> load_simulation_state(const fs::path& checkpoint, Llama& model,
                                               const std::vector<std::string>& layers) {
  const at::NoGradGuard no_grad;
  const std::set<std::string> wanted(layers.begin(), layers.end());
  const bool has_file = !checkpoint.empty() && is_there(checkpoint / kSimulationFile);
  std::optional<SafetensorsSet> set;
  if (has_file) set = SafetensorsSet::open(checkpoint, "simulation_state");
  std::vector<std::string> not_restored;
  for (const NamedState& state : model.simulation_state()) {
    const std::string layer = state.name.substr(0, state.name.rfind('.'));
    if (set && wanted.count(layer) > 0 && set->find(state.name) != nullptr) {
      restore(*set, state.name, state.tensor, checkpoint);
    } else {
      not_restored.push_back(state.name);
    }
  }
  return not_restored;
}

std::int64_t step_of_simulation_state(const fs::path& directory) {
  const fs::path file = directory / kSimulationFile;
  if (directory.empty() || !is_there(file)) return 0;
  const SafetensorsFile state(file);
  const auto& metadata = state.metadata();
  const auto found = metadata.find(kStepKey);
  return found == metadata.end() ? 0 : std::strtoll(found->second.c_str(), nullptr, 10);
}

}  // namespace engine
