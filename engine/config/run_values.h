// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/param_schema.h"
#include "engine/config/run_config.h"
#include "engine/problem.h"

#include <filesystem>
#include <string>
#include <vector>

namespace engine {

/// The settings in a run.yaml as they stand there, and with relative paths as they can be used from
/// here.
struct RunValues {
  ParamValues written, usable;
};
/// Nothing but that file is read. What is wrong in it becomes a problem there. Throws Error when it
/// cannot be read.
RunValues recorded_run_values(const std::filesystem::path& file, std::vector<Problem>& problems);

/// The settings in a run.yaml, with paths that can be used from here: a relative one starts where
/// the run noted it, else in the working folder, else in the nearest folder at or above the file
/// where there is something of that name. In a run's own folder output_dir is that folder, wherever
/// it has been moved to, and transform_config the run's own copy when the file has been edited
/// since (a warning). What is wrong in the file becomes a problem there. Throws Error when it
/// cannot be read.
ParamValues read_run_values(const std::filesystem::path& file, std::vector<Problem>& problems);

/// A run goes on from here: gives the paths in `config` the form that `run_yaml`, written when it
/// began, gave them, where they still mean the same, so that it is told by the same settings as
/// before. Returns the folder in which relative ones then start.
std::string keep_written_paths(const std::filesystem::path& run_yaml, RunConfig& config);

/// --config: the values of a run.yaml (or of the run folder that holds it) with `given` over them;
/// `given` alone when `config` is empty. What is wrong in the file becomes a problem there. Throws
/// Error when it cannot be read.
ParamValues values_over_file(const std::string& config, const ParamValues& given,
                             std::vector<Problem>& problems);

}  // namespace engine
