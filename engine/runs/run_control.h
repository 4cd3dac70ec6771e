// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace engine {

enum class RunRequest : int { none, pause, resume, checkpoint, stop, stop_now, extend };

const char* to_string(RunRequest request);
std::optional<RunRequest> run_request_from(const std::string& name);

/// What becomes of the learning rate's course when a run is given more steps.
enum class ScheduleChange {
  stretch,  ///< drawn anew over all steps: the rate jumps to where that course stands
  keep,     ///< as it was to its old end; the steps beyond run at its last step's rate
};
/// "stretch", "continue".
const char* to_string(ScheduleChange change);
std::optional<ScheduleChange> schedule_change_from(const std::string& name);

/// What `extend` asks for.
struct RunExtension {
  std::int64_t max_steps = 0;
  ScheduleChange schedule = ScheduleChange::stretch;
};

/// Asked by the loop once per micro-batch. Requests come from this process (a button, a signal
/// handler: `request` is async-signal-safe) or from any watcher through the file `control` in the
/// run folder.
class RunControl {
 public:
  void request(RunRequest request) noexcept { pending_.store(static_cast<int>(request)); }
  /// The folder whose `control` file is obeyed from now on. A request already in the file is stale
  /// and ignored.
  void watch(const std::filesystem::path& run_dir);
  /// The newest request not yet returned, or none. Loop thread. Garbage in the file is ignored and
  /// kept in `complaint`.
  RunRequest poll();
  std::optional<std::string> take_complaint();
  /// The id of the request that poll() returned last: what an answer repeats. Empty for one from
  /// this process or written by hand.
  const std::string& id() const { return id_; }
  /// What the `extend` that poll() returned last asks for.
  const RunExtension& extension() const { return extension_; }

 private:
  std::atomic<int> pending_{0};
  std::filesystem::path control_file_;
  std::string last_seen_;
  std::optional<std::string> complaint_;
  std::string id_;
  RunExtension extension_;
};

/// A watcher's side: replaces RUN_DIR/control atomically. Returns the request's id, which the event
/// `control` that answers it repeats. Throws Error when the folder is not writable.
std::string write_control_request(const std::filesystem::path& run_dir, RunRequest request);
std::string write_control_request(const std::filesystem::path& run_dir,
                                  const RunExtension& extension);

}  // namespace engine
