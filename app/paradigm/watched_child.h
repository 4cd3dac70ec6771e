// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <functional>

namespace paradigm {

/// How work in a child process ended.
struct ChildEnd {
  bool is_child =
      false;       ///< this is the child, or no child could be made: `exit_code` is the work's
  int signal = 0;  ///< that killed the child; 0 = it exited
  int exit_code = 0;
  int passed_on = 0;  ///< the last signal that came for the child meanwhile; 0 = none
};

/// Does `work` in a child process. The parent only passes signals on and waits: a process that is
/// killed cannot say so, so the parent records it in `run_dir` (process_end.json). When the parent
/// is killed, the child is too. Call before there are threads. Returns in both processes; the child
/// is to leave the program with its exit code.
ChildEnd watch_child(const std::filesystem::path& run_dir, const std::function<int()>& work);

/// watch_child, and in the parent ends as the child did: with its exit code, or by its signal.
int in_watched_child(const std::filesystem::path& run_dir, const std::function<int()>& work);

/// In a child of watch_child: whether a signal from `sender` was passed on by the parent.
bool is_passed_on(int sender);

}  // namespace paradigm
