// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/param_schema.h"
#include "engine/problem.h"
#include "engine/trial/transform_trial.h"

#include <vector>

namespace engine {

/// Every flag of `paradigm try`: those of `eval` that a trial heeds, and its own.
const ParamSchema& try_schema();
/// Every flag of `paradigm scan`.
const ParamSchema& scan_schema();

/// `values` must be free of errors by the schema of either command.
TrialConfig trial_config_from(const ParamValues& values);
TryOptions try_options_from(const ParamValues& values);
ScanOptions scan_options_from(const ParamValues& values);

/// Conditions between fields that no single range can say.
std::vector<Problem> problems_in(const ScanOptions& options);

}  // namespace engine
