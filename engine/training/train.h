// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/api.h"

namespace engine {

/// EngineApi::train: prepares everything, then runs the loop. See engine/api.h for the contract.
TrainOutcome train(const RunConfig& config, RunControl& control,
                   const ProgressFunction& on_progress);

/// ⌈epochs · max(1, ⌊micro-batches of an epoch / accumulation⌋)⌉, unless max_steps is given.
std::int64_t planned_steps(const RunConfig& config, std::int64_t blocks);

}  // namespace engine
