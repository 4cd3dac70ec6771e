// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/run_config.h"

#include <exception>
#include <string>

namespace engine {

/// What a training that ran out of memory is told: what was asked for, what was free, and which
/// settings to lower. Empty for an exception that is about something else.
std::string out_of_memory_message(const std::exception& error, const RunConfig& config);

}  // namespace engine
