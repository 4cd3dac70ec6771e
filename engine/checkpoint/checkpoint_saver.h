// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint.h"

#include <cstdint>
#include <filesystem>
#include <future>
#include <optional>

namespace engine {

/// A checkpoint that has been written.
struct SavedState {
  SaveResult result;
  std::int64_t step = 0;
  double stall_seconds = 0;  ///< for so long start() held its caller up
};

/// Saves a training without holding it up: start() copies what a checkpoint needs to host memory, a
/// thread writes it and removes what --save_total_limit lets go. One save is in flight at a time;
/// the next start() waits for it. All calls from the training's thread.
class CheckpointSaver {
 public:
  /// `in_background` false: start() writes before it returns. `files` outlives the saver.
  CheckpointSaver(std::filesystem::path run_dir, const CheckpointFiles& files,
                  std::optional<std::int64_t> save_total_limit, bool in_background);
  /// Waits for a save in flight.
  ~CheckpointSaver();
  CheckpointSaver(const CheckpointSaver&) = delete;
  CheckpointSaver& operator=(const CheckpointSaver&) = delete;

  /// The state as it is now. An earlier save must have been taken with finished() or wait(). When
  /// the copy does not fit into this machine's free memory, it is written before start() returns.
  /// With `at_once` it always is: for a training that would wait anyway.
  void start(Llama& model, const AdamW& optimizer, Manifest manifest, bool at_once = false);

  bool is_busy() const { return writing_.valid(); }
  /// The save in flight if it has ended by now. Throws what it ended with: Error with nothing left
  /// behind.
  std::optional<SavedState> finished();
  /// Waits for the save in flight; none = nothing. Throws as finished().
  std::optional<SavedState> wait();

 private:
  /// Copies `live` into the kept host copy; on CUDA the copies only stand in the stream's queue.
  void copy_to_host(const CheckpointState& live);

  std::filesystem::path run_dir_;
  const CheckpointFiles& files_;
  std::optional<std::int64_t> limit_;
  bool in_background_;
  CheckpointState host_;  // kept from save to save
  std::future<SaveResult> writing_;
  std::int64_t step_ = 0;
  double stall_seconds_ = 0;
};

}  // namespace engine
