// SPDX-License-Identifier: GPL-3.0-or-later
// What a job on another thread tells the window: how far it is, now and then, and why it failed.
#pragma once

#include "engine/error.h"

#include <chrono>
#include <exception>
#include <utility>
#include <vector>

namespace app {

/// Runs `work`; whatever it throws becomes problems. None when it ends well.
template <class Work>
std::vector<engine::Problem> problems_of(Work&& work) {
  try {
    std::forward<Work>(work)();
    return {};
  } catch (const engine::Error& error) {
    return error.problems();
  } catch (const std::exception& error) {
    engine::Problem problem;
    problem.id = "unexpected";
    problem.message = error.what();
    return {problem};
  }
}

/// Lets through at most 25 reports a second: more would only keep the window busy.
class ReportPace {
 public:
  bool isDue() {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::milliseconds(40)) return false;
    last_ = now;
    return true;
  }

 private:
  std::chrono::steady_clock::time_point last_{};
};

}  // namespace app
