// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/runs/run_event.h"
#include "engine/runs/run_state.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace engine {

/// What one poll found.
struct RunUpdate {
  /// A resume from step N supersedes what was recorded beyond N: drop points with step >
  /// *rewind_to, then append. Events in `events` are already free of superseded ones.
  std::optional<std::int64_t> rewind_to;
  /// the file was replaced or truncated: forget everything, `events` starts over
  bool restarted = false;
  std::vector<RunEvent> events;
  bool more = false;  ///< a large file is handed over in parts (16 MiB): poll again at once
  std::optional<RunStatus> status;  ///< when it changed
  /// the true state now: recorded, and whether the writer lives
  RunState state = RunState::unknown;
  /// one sentence when the state needs one: "no sign for 4 min", "writer gone at step 412"
  std::string detail;
};

/// Reads a run folder, live or finished, and tails it. Never writes. Not thread-safe; one per
/// watcher. A torn last line waits for its rest; unreadable lines are counted and skipped.
class RunReader {
 public:
  explicit RunReader(std::filesystem::path run_dir);
  ~RunReader();
  RunReader(RunReader&&) noexcept;

  /// New since the last call. Never blocks on the writer, never throws for what the folder holds or
  /// lacks.
  RunUpdate poll();
  std::uint64_t skipped_lines() const;
  const std::filesystem::path& path() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace engine
