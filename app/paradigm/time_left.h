// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <string>

namespace paradigm {

/// How long a piece of work will still take, judged by how fast it went so far. A new total is a
/// new piece of work.
class TimeLeft {
 public:
  using Clock = std::chrono::steady_clock;

  /// ", 40 s left", or "" while nothing can be said.
  std::string text(double done, double total, Clock::time_point now = Clock::now());

 private:
  double total_ = 0;
  double first_done_ = 0;
  Clock::time_point started_;
};

}  // namespace paradigm
