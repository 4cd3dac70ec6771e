// SPDX-License-Identifier: GPL-3.0-or-later
// How a run's process ended, as the process that started it saw: a process that was killed cannot
// say so itself.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace engine {

struct ProcessEnd {
  std::int64_t pid = 0;
  std::uint64_t process_start_time = 0;
  int signal = 0;     ///< that ended it; 0 = it exited by itself
  int exit_code = 0;  ///< when it exited by itself
  double time = 0;    ///< Unix seconds
};

/// Writes RUN_DIR/process_end.json when status.json names that process as the run's writer and it
/// ended without a last word; does nothing otherwise, and never throws: it is the last thing that
/// anybody can say about the run.
void record_process_end(const std::filesystem::path& run_dir, const ProcessEnd& end) noexcept;

/// std::nullopt when absent or unreadable.
std::optional<ProcessEnd> read_process_end(const std::filesystem::path& run_dir);

/// "killed by signal 9 (SIGKILL)", "its process ended with exit code 3".
std::string text_of(const ProcessEnd& end);

}  // namespace engine
