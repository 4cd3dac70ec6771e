// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/api.h"

#include <string>
#include <vector>

namespace engine {

/// EngineApi::check_paradigm: all conformance checks on the CPU. See engine/api.h for the contract.
std::vector<ConformanceResult> check_paradigm(const std::string& reference,
                                              const ProgressFunction& on_progress);

}  // namespace engine
