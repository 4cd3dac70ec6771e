// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/paradigm/schema_options.h"
#include "engine/config/run_config.h"

#include <memory>
#include <string>

namespace paradigm {

/// What a command that takes a whole run was given: the run's flags, and --config.
struct RunFlags {
  std::shared_ptr<SchemaOptions> flags;
  std::string config;
};

std::shared_ptr<RunFlags> add_run_flags(CLI::App& app);

/// The run.yaml of --config, or of the run folder that holds it, with the flags over it; output_dir
/// is set. Warnings are printed. Throws Error with everything that is wrong.
engine::RunConfig checked_run_config(const RunFlags& given);

}  // namespace paradigm
