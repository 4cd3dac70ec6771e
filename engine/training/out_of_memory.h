// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/run_config.h"

#include <c10/util/Exception.h>

#include <string>

namespace engine {

/// What a training that ran out of the device's memory is told: what was asked for, what was free,
/// and which settings to lower.
std::string out_of_memory_message(const c10::OutOfMemoryError& error, const RunConfig& config);

}  // namespace engine
