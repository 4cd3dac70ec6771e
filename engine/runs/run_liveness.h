// SPDX-License-Identifier: GPL-3.0-or-later
// The one function that says what state a run is truly in. Reader and catalog only gather the
// evidence.
#pragma once

#include "engine/remote/remote_copy.h"
#include "engine/runs/process_end.h"
#include "engine/runs/run_catalog.h"
#include "engine/runs/run_event.h"
#include "engine/runs/run_folder.h"
#include "engine/runs/run_state.h"

#include <cstdint>
#include <optional>
#include <string>

namespace engine {

/// What events.jsonl last said about the run as a whole.
struct LastWord {
  enum class Kind { none, started, finished, stopped, failed };
  Kind kind = Kind::none;
  std::int64_t step = 0;
  std::string what;

  /// Takes run_started, run_finished and run_failed in file order; ignores the rest.
  void hear(const RunEvent& event);
};

struct StateEvidence {
  bool folder_exists = false;
  bool is_run = false;  ///< one of the run's files is there
  std::optional<RunStatus> status;
  /// Seconds, by a clock that is never set, since status.json changed before the watcher's eyes;
  /// none while it has not.
  std::optional<double> unchanged_for;
  LockState lock = LockState::unknown;
  std::int64_t holder_pid = 0;  ///< of the lock while it is held; 0 = unknown
  std::uint64_t holder_start_time = 0;
  std::optional<ProcessEnd> end;  ///< while the lock is not held
  std::string last_checkpoint;    ///< name of the newest one's folder, while the lock is not held
  std::optional<RemoteSign> remote;  ///< the folder is a copy: what is known of the run's own
  LastWord last_word;
  std::int64_t last_step = 0;  ///< newest step in the events
};

/// Whether this is a run, its lock and what is left of its process, looked up now. The caller adds
/// the rest.
StateEvidence look_at_folder(const std::filesystem::path& run_dir);

ObservedState judge(const StateEvidence& evidence);

/// status.json as it is now; std::nullopt when absent or unreadable.
std::optional<RunStatus> read_status(const std::filesystem::path& run_dir);

}  // namespace engine
