// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/param_schema.h"
#include "engine/problem.h"

#include <string>
#include <vector>

namespace engine {

/// --config: the values of a run.yaml (or of the run folder that holds it) with `given` over them;
/// `given` alone when `config` is empty. What is wrong in the file becomes a problem there. Throws
/// Error when it cannot be read.
ParamValues values_over_file(const std::string& config, const ParamValues& given,
                             std::vector<Problem>& problems);

}  // namespace engine
