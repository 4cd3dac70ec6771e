// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/saving_cost.h"

#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/saved_checkpoints.h"
#include "engine/config/output_file.h"
#include "engine/scripted/scripted_copies.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>

namespace engine {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t kMostWritten = 256 << 20;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// A folder beside where the run would write, for as long as it is needed.
class ScratchBeside {
 public:
  explicit ScratchBeside(const fs::path& output_dir) {
    std::error_code error;
    const fs::path at = nearest_existing_folder(output_dir);
    const fs::path wanted = at / (".paradigm-estimate-" + random_suffix());
    if (fs::create_directory(wanted, error)) path_ = wanted;
    const fs::space_info space = fs::space(at, error);
    if (!error) free_bytes_ = static_cast<std::int64_t>(space.available);
  }
  ~ScratchBeside() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  ScratchBeside(const ScratchBeside&) = delete;
  ScratchBeside& operator=(const ScratchBeside&) = delete;

  const fs::path& path() const { return path_; }  ///< empty: nothing can be written there
  std::int64_t free_bytes() const { return free_bytes_; }

 private:
  fs::path path_;
  std::int64_t free_bytes_ = -1;
};

std::int64_t weight_bytes(Llama& model) {
  std::int64_t bytes = 0;
  for (const Parameter& parameter : model.parameters()) {
    bytes += static_cast<std::int64_t>(parameter.tensor.nbytes());
  }
  return bytes;
}

double seconds_to_copy(const CheckpointState& state) {
  const auto begin = Clock::now();
  std::vector<at::Tensor> copies;
  for (const auto* part : {&state.weights, &state.moments}) {
    for (const auto& [name, tensor] : *part) copies.push_back(tensor.detach().cpu().clone());
  }
  return seconds_since(begin);
}

/// Of all `bytes`, by a part of them.
double seconds_to_write(const fs::path& folder, CheckpointState part, const CheckpointFiles& files,
                        std::int64_t weights, std::int64_t bytes) {
  while (part.bytes() > kMostWritten && !part.moments.empty()) part.moments.pop_back();
  while (part.bytes() > kMostWritten && part.weights.size() > 1) part.weights.pop_back();
  const auto begin = Clock::now();
  const SaveResult saved = write_checkpoint(folder, part, files);
  publish_model(folder, saved.path);
  return seconds_since(begin) * static_cast<double>(bytes) /
         static_cast<double>(std::max<std::int64_t>(1, part.bytes() + weights));
}

}  // namespace

std::int64_t state_bytes(Llama& model, const AdamW& optimizer) {
  std::int64_t bytes = weight_bytes(model);
  for (const auto& [name, tensor] : optimizer.state()) {
    bytes += static_cast<std::int64_t>(tensor.nbytes());
  }
  for (const NamedState& state : model.simulation_state()) {
    bytes += static_cast<std::int64_t>(state.tensor.nbytes());
  }
  return bytes;
}

std::int64_t saves_before_the_end(const RunConfig& config, std::int64_t max_steps, bool has_text) {
  if (config.save_strategy == "steps") return (max_steps - 1) / config.save_steps;
  if (config.save_strategy != "epoch" || !has_text) return 0;
  return static_cast<std::int64_t>(config.num_train_epochs);
}

SavingCost saving_cost(const RunConfig& config, const ModelSource& source,
                       const TransformChoice& choice, Llama& model, const AdamW& optimizer,
                       std::int64_t saves_before_the_end) {
  SavingCost cost;
  const ScratchBeside scratch(config.output_dir.empty() ? fs::path(".")
                                                        : fs::path(config.output_dir));
  cost.free_disk_bytes = scratch.free_bytes();
  const std::int64_t state = state_bytes(model, optimizer);
  const std::int64_t weights = weight_bytes(model);
  CheckpointFiles files =
      checkpoint_files(source.config, source.directory, source.tokenizer_directory,
                       choice.is_plain() ? "" : choice.config->source_text, choice.digest);
  if (!choice.is_plain()) files.merge(scripted_copies(*choice.config));
  cost.checkpoint_bytes = state;
  for (const auto& [name, text] : files) {
    cost.checkpoint_bytes += static_cast<std::int64_t>(text.size());
  }

  const CheckpointState sample = live_state(model, optimizer, {});
  const double copying = seconds_to_copy(sample);
  double writing = 0;
  if (scratch.path().empty()) {
    cost.notes.emplace_back(
        "Nothing can be written where the run would be: the time of its last save is not known");
  } else {
    writing = seconds_to_write(scratch.path(), sample, files, weights, state + weights);
  }
  const double stall = config.save_async ? copying : writing;
  cost.seconds = stall * static_cast<double>(saves_before_the_end) + writing;
  cost.kept_checkpoints = std::min(saves_before_the_end + 1,
                                   config.save_total_limit.value_or(saves_before_the_end + 1));
  cost.disk_bytes = cost.kept_checkpoints * cost.checkpoint_bytes + weights;
  return cost;
}

}  // namespace engine
