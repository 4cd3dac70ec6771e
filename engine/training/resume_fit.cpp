// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/resume_fit.h"

#include "engine/error.h"
#include "engine/runs/run_folder.h"

#include <fmt/format.h>

namespace engine {

TrainerState trainer_state_in(const std::filesystem::path& checkpoint) {
  const std::filesystem::path file = checkpoint / "manifest.json";
  return parse_manifest(read_file(file), file.string()).trainer;
}

void require_same_transform_and_tokenizer(const TrainerState& before, const TrainerState& now,
                                          bool allows_transform, const std::string& checkpoint) {
  if (before.transform_digest != now.transform_digest && !allows_transform) {
    const bool may_be_format = before.bf16 != now.bf16;
    fail(
        "transform-changed", {.file = checkpoint},
        std::string("the training was started under another transform than the one in effect now") +
            (may_be_format ? "; a format that a rule leaves open is the compute dtype" : ""),
        std::string(may_be_format ? "Give --bf16 as before, leave" : "Leave") +
            " --transform_config out to go on under the recorded one, or give "
            "--allow_transform_change");
  }
  if (before.tokenizer_digest != now.tokenizer_digest) {
    fail("tokenizer-changed", {.file = checkpoint},
         "the training was started with another tokenizer",
         "Leave --tokenizer_name out, or start a new run from the checkpoint with "
         "--model_name_or_path");
  }
}

std::vector<std::string> changes_since(const TrainerState& before, const TrainerState& now,
                                       const std::string& checkpoint) {
  const bool same_data =
      before.data_digest == now.data_digest && before.block_size == now.block_size;
  if (!same_data) {
    fail("data-changed", {.file = checkpoint},
         "the training was started on other text or with another block size, so its position in "
         "the data means nothing",
         "Give the same data flags, or start a new run from the checkpoint with "
         "--model_name_or_path");
  }
  std::vector<std::string> notes;
  const auto compare = [&notes](const char* name, auto old_value, auto new_value) {
    if (old_value == new_value) return;
    notes.push_back(
        fmt::format("{} was {} and is now {}: the run goes on, but not as it would have", name,
                    old_value, new_value));
  };
  compare("seed", before.seed, now.seed);
  compare("per_device_train_batch_size", before.batch_size, now.batch_size);
  compare("gradient_accumulation_steps", before.accumulation, now.accumulation);
  compare("max_steps", before.max_steps, now.max_steps);
  compare("bf16", before.bf16, now.bf16);
  return notes;
}

}  // namespace engine
