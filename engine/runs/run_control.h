// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace engine {

enum class RunRequest : int { none, pause, resume, checkpoint, stop, stop_now };

const char* to_string(RunRequest request);
std::optional<RunRequest> run_request_from(const std::string& name);

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

 private:
  std::atomic<int> pending_{0};
  std::filesystem::path control_file_;
  std::string last_seen_;
  std::optional<std::string> complaint_;
};

/// A watcher's side: replaces RUN_DIR/control atomically. Throws Error when the folder is not
/// writable.
void write_control_request(const std::filesystem::path& run_dir, RunRequest request);

}  // namespace engine
