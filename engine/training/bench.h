// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/api.h"

namespace engine {

/// EngineApi::bench. See engine/api.h for the contract.
BenchResult bench(const BenchConfig& config, const ProgressFunction& on_progress);

}  // namespace engine
