// SPDX-License-Identifier: GPL-3.0-or-later
// A training as a command: copied from the workbench, pasted into it, started by it.
#pragma once

#include "engine/config/param_schema.h"
#include "engine/config/run_config.h"
#include "engine/problem.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace engine {

struct TrainCommandOptions {
  bool with_defaults = false;  ///< also the flags that stand at their default
  std::optional<CostPrediction> prediction{};
};

/// "paradigm", "train", "--model_name_or_path", …: what does the same as a launch with `values`.
std::vector<std::string> train_command(const ParamValues& values,
                                       const TrainCommandOptions& options = {});
/// The same for a POSIX shell, on one line.
std::string train_command_line(const ParamValues& values, const TrainCommandOptions& options = {});
/// A script for sbatch that runs it in `working_folder` and goes on behind its newest checkpoint
/// after a time limit. Without output_dir the run gets a folder named after the job.
std::string train_slurm_script(const ParamValues& values, const std::string& working_folder);

/// --predicted: four numbers, "STEP_SECONDS,SECONDS,PEAK_BYTES,CHECKPOINT_BYTES"; -1 = not known.
std::string prediction_text(const CostPrediction& prediction);
std::optional<CostPrediction> parse_prediction(std::string_view text);

struct PastedCommand {
  bool found = false;   ///< a training that `values` describe
  std::string program;  ///< "paradigm train", "run_clm.py", or "" for flags alone
  ParamValues values;   ///< each placed at its flag
  /// What was left out and why (warnings), what was passed over (notes), and why nothing could be
  /// taken (errors).
  std::vector<Problem> problems;
};

/// A `paradigm train` command, or one of run_clm.py through python, torchrun, accelerate or srun,
/// with the lines around it; --config is read. Flags that are not known, not supported or not
/// readable are left out and named.
PastedCommand read_train_command(std::string_view text);

}  // namespace engine
