// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/saved_checkpoints.h"
#include "engine/config/run_config.h"
#include "engine/runs/run_folder.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace engine {

/// How a run begins in its output folder.
struct RunStart {
  /// The checkpoint to go on from; none = a new training.
  std::optional<std::filesystem::path> resume_from;
  bool continues = false;   ///< resume_from lies in the output folder
  bool overwrites = false;  ///< an earlier run in the folder is removed
  std::vector<std::string> notes;
};

/// The rules of --output_dir, from looking alone: nothing is made, locked or changed. Throws Error
/// with the ways out, as RunClaim does.
RunStart look_at_start(const RunConfig& config);

/// A run's hold on its output folder: the lock, and the decision whether the run is new or goes on.
/// Until keep() is called, destruction takes back what was made, so that a run that never took a
/// step leaves nothing behind.
class RunClaim {
 public:
  /// The rules of --output_dir. New or empty: a new run. An unfinished run with a checkpoint:
  /// resume from the newest that is whole. --resume_from_checkpoint: that one.
  /// --overwrite_output_dir: a new run in the old one's place. Throws Error with the ways out for a
  /// folder that is finished, locked by a live run, not writable, or holds something else, and for
  /// overwriting what is no run's or what the run starts from.
  explicit RunClaim(const RunConfig& config);
  ~RunClaim();
  RunClaim(const RunClaim&) = delete;
  RunClaim& operator=(const RunClaim&) = delete;

  const RunFolder& folder() const { return folder_; }
  /// The checkpoint to go on from; none = a new training.
  const std::optional<std::filesystem::path>& resume_from() const { return start_.resume_from; }
  bool continues_this_run() const {
    return start_.continues;
  }  ///< resume_from() lies in this folder
  const std::vector<std::string>& notes() const { return start_.notes; }

  /// Clears the way for the run's own files: an overwritten run's are removed, checkpoints beyond
  /// the one resumed from are set aside under another name.
  void make_room();
  /// The run has begun: its files stay.
  void keep() { is_kept_ = true; }

 private:
  void decide(const RunConfig& config);
  void take_back();

  RunFolder folder_;
  std::filesystem::path
      first_created_;  ///< the outermost folder that was made; empty = the folder was there
  bool had_lock_file_ = false;
  std::optional<RunLock> lock_;
  RunStart start_;
  bool has_made_room_ = false;
  bool is_kept_ = false;
};

}  // namespace engine
