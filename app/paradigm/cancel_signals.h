// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <csignal>
#include <iterator>

namespace paradigm {

/// While it lives, the first SIGINT or SIGTERM is only noted, so that work that leaves files can be
/// given up in order; the second ends the process. One at a time in a process.
class CancelSignals {
 public:
  CancelSignals() {
    first_ = 0;
    struct sigaction action = {};
    action.sa_handler = [](int signal) { first_ = signal; };
    action.sa_flags = SA_RESTART | SA_RESETHAND;
    sigemptyset(&action.sa_mask);
    for (std::size_t i = 0; i < std::size(kSignals); ++i) {
      sigaction(kSignals[i], &action, &old_[i]);
      // What a shell made its background's jobs ignore they go on to ignore.
      if (old_[i].sa_handler == SIG_IGN) sigaction(kSignals[i], &old_[i], nullptr);
    }
  }
  ~CancelSignals() {
    for (std::size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &old_[i], nullptr);
    // The shell is told what ended it.
    if (first_ != 0) raise(first_);
  }
  CancelSignals(const CancelSignals&) = delete;
  CancelSignals& operator=(const CancelSignals&) = delete;

  bool have_come() const { return first_ != 0; }

 private:
  static constexpr int kSignals[] = {SIGINT, SIGTERM};
  static inline volatile std::sig_atomic_t first_ = 0;
  struct sigaction old_[std::size(kSignals)] = {};
};

}  // namespace paradigm
