// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/param_schema.h"
#include "engine/problem.h"

#include <filesystem>
#include <string>
#include <vector>

namespace engine {

/// The settings in a run.yaml, with paths that can be used from here: a relative one starts where
/// the run noted it, else in the working folder, else in the nearest folder at or above the file
/// where there is something of that name. In a run's own folder output_dir is that folder, wherever
/// it has been moved to, and transform_config the run's own copy when the file has been edited since
/// (a warning). What is wrong in the file becomes a problem there. Throws Error when it
/// cannot be read.
ParamValues read_run_values(const std::filesystem::path& file, std::vector<Problem>& problems);

/// --config: the values of a run.yaml (or of the run folder that holds it) with `given` over them;
/// `given` alone when `config` is empty. What is wrong in the file becomes a problem there. Throws
/// Error when it cannot be read.
ParamValues values_over_file(const std::string& config, const ParamValues& given,
                             std::vector<Problem>& problems);

}  // namespace engine
