// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/param_schema.h"
#include "engine/config/run_config.h"

#include <optional>

namespace widgets {

/// Where a run trains: on a thread of this window, which it ends with, or in a process of its own.
enum class LaunchPlace { in_window, separate_process };

/// A run that is asked for: the settings that differ from their defaults, where it trains, and what
/// it was estimated to cost, which the run folder keeps beside what it did.
struct LaunchRequest {
  engine::ParamValues values;
  LaunchPlace place = LaunchPlace::in_window;
  std::optional<engine::CostPrediction> prediction;
};

}  // namespace widgets
