// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/run_config.h"
#include "engine/problem.h"

#include <vector>

namespace engine {

/// What stands in the way of training `config`, all of it at once, each at its flag or file with
/// the way out; and as notes what a start would do: resume from where, on which device. Reads
/// headers and sizes only, loads no weight and no text, changes no file. An empty output_dir is one
/// that is still to be named. Never throws for what it finds.
std::vector<Problem> preflight(const RunConfig& config);

}  // namespace engine
