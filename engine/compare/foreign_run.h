// SPDX-License-Identifier: GPL-3.0-or-later
// Curves of other trainers and trackers, so that existing baselines can stand beside.
#pragma once

#include "engine/compare/comparable_run.h"

#include <filesystem>
#include <optional>

namespace engine {

/// Reads, where `path` is one of these, else gives nothing:
/// - trainer_state.json of Hugging Face's Trainer, or a folder with one and without events.jsonl;
/// - a .csv or .tsv file with a step column (step, global_step, _step, Step, iteration), as
/// trackers
///   and `paradigm runs export` write them;
/// - a TensorBoard event file (…tfevents…), or a folder with such files.
/// "train/loss" becomes loss and "eval/loss" eval_loss, as our own runs call them. Throws Error for
/// a file of such a name that holds something else. What was skipped is in `notes`.
std::optional<ComparableRun> load_foreign_run(const std::filesystem::path& path);

/// Whether load_foreign_run() would read it, by its name and what lies in it; nothing is read.
bool is_foreign_run(const std::filesystem::path& path);

}  // namespace engine
