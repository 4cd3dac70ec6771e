// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/manifest.h"

#include <filesystem>
#include <string>
#include <vector>

namespace engine {

/// What the manifest of `checkpoint` says of the training. Throws Error naming the file.
TrainerState trainer_state_in(const std::filesystem::path& checkpoint);

/// Throws Error when a training that stood at `before`, in `checkpoint`, would go on under another
/// transform (unless `allows_transform`) or tokenizer.
void require_same_transform_and_tokenizer(const TrainerState& before, const TrainerState& now,
                                          bool allows_transform, const std::string& checkpoint);

/// The same for its text; then one sentence for each setting that has changed without making the
/// resume senseless.
std::vector<std::string> changes_since(const TrainerState& before, const TrainerState& now,
                                       const std::string& checkpoint);

}  // namespace engine
