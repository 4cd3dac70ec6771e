// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/api.h"

namespace engine {

/// EngineApi::sweep. See engine/api.h for the contract.
SweepResult sweep(const SweepConfig& config, const ProgressFunction& on_progress);

}  // namespace engine
