// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/api.h"

namespace engine {

/// EngineApi::evaluate. See engine/api.h for the contract.
EvalResult evaluate(const EvalConfig& config, const ProgressFunction& on_progress);

}  // namespace engine
