// SPDX-License-Identifier: GPL-3.0-or-later
// What going on with a run would mean: from which checkpoint, what is done again, by which command.
#pragma once

#include "engine/runs/run_catalog.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace engine {

struct ResumeOffer {
  bool possible = false;
  std::string checkpoint;  ///< folder name: checkpoint-400
  std::int64_t step = 0;   ///< of that checkpoint
  std::int64_t lost = 0;   ///< logged steps beyond it, which are done again
  /// For a shell in the folder that the run was started in; of a copy, on the run's machine.
  std::string command;
  std::string restores;                  ///< one sentence; or, when it is not possible, why not
  std::vector<std::string> passed_over;  ///< one sentence per newer checkpoint that is damaged
};

/// Checks the files' sizes, not their hashes: a resume does that too. Changes nothing, never throws
/// for what the folder holds.
ResumeOffer resume_offer(const std::filesystem::path& run_dir, const RunSummary& summary);
/// The same for a finished run that is to train further; no command, for that needs to know how
/// far.
ResumeOffer further_offer(const std::filesystem::path& run_dir, const RunSummary& summary);

/// "paradigm", "train", "--config", "RUN/run.yaml"
std::vector<std::string> resume_words(const std::filesystem::path& run_dir);
/// The same for a shell.
std::string resume_command(const std::filesystem::path& run_dir);

}  // namespace engine
