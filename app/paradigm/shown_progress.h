// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/paradigm/terminal_progress.h"
#include "app/paradigm/time_left.h"

#include <functional>
#include <string>

namespace paradigm {

/// Calls `work` with a progress function that shows how far it is, and how long it will still take,
/// on stderr until `work` ends, and that cancels it once `is_cancelled` says so. Returns what
/// `work` returns.
template <class Work>
auto with_shown_progress(
    Work work, const std::function<bool()>& is_cancelled = [] { return false; }) {
  TerminalProgress progress(stderr);
  TimeLeft time_left;
  auto result = work([&](const std::string& stage, double done, double total) {
    progress.show_stage(stage, done, total, time_left.text(done, total));
    return !is_cancelled();
  });
  progress.clear_bar();
  return result;
}

}  // namespace paradigm
