// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/runs/run_control.h"

namespace paradigm {

/// While it lives, the first SIGINT, SIGTERM, SIGUSR1 or SIGHUP asks `control` for a stop (finish
/// the step, save) and the second one ends the process at once with 128 + signal. A terminal that
/// closes hangs up more than once, so SIGHUP is never the second one; under nohup it stays ignored.
/// One at a time in a process.
class StopSignals {
 public:
  explicit StopSignals(engine::RunControl& control);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// The signal that asked for the stop, 0 = none so far.
  static int received();
};

}  // namespace paradigm
