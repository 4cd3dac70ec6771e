// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/api.h"

#include <memory>

namespace engine {

/// EngineApi::open_trial. See engine/api.h for the contract.
std::unique_ptr<TransformTrial> open_trial(const TrialConfig& config,
                                           const ProgressFunction& on_progress);

}  // namespace engine
