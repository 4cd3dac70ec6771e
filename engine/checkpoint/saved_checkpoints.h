// SPDX-License-Identifier: GPL-3.0-or-later
// The checkpoint-N folders of a run: which are complete, which is the newest, which may go.
#pragma once

#include "engine/checkpoint/manifest.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace engine {

struct SavedCheckpoint {
  std::filesystem::path path;
  std::int64_t step = 0;
};

/// Folders named checkpoint-N below `run_dir`, by step. Says nothing about their content.
std::vector<SavedCheckpoint> list_checkpoints(const std::filesystem::path& run_dir);

enum class FileCheck { sizes, hashes };

/// What is wrong with a checkpoint, in one sentence; nothing when manifest and files agree.
std::optional<std::string> damage_in(const std::filesystem::path& checkpoint, FileCheck check);

struct NewestCheckpoint {
  std::optional<SavedCheckpoint> checkpoint;
  std::vector<std::string> passed_over;  ///< one sentence per newer folder that is damaged
};

/// The newest checkpoint that passes `check`.
NewestCheckpoint newest_checkpoint(const std::filesystem::path& run_dir, FileCheck check);

/// Removes the oldest checkpoints beyond `limit` (no limit: nothing), never `keep`. Each is first
/// renamed, so that a kill leaves no half checkpoint. Returns the names removed. What cannot be
/// removed is left.
std::vector<std::string> rotate_checkpoints(const std::filesystem::path& run_dir,
                                            std::optional<std::int64_t> limit,
                                            const std::filesystem::path& keep);

/// Removes what a killed save or rotation left behind (*.tmp-*, .trash-*). Call while holding the
/// run's lock.
void sweep_leftovers(const std::filesystem::path& run_dir);

/// Renames `folder` out of the way and removes it. Throws Error when the rename fails.
void discard_folder(const std::filesystem::path& folder);

/// 8 random hex digits for temporary names.
std::string random_suffix();

}  // namespace engine
