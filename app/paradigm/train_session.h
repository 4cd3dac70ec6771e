// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/api.h"

namespace paradigm {

/// Runs one training in the terminal: progress from the run folder by a second thread, signals, the
/// final report (as JSON on stdout with `as_json`, and then everything else goes to stderr).
/// `config.output_dir` is set. Returns the exit code; throws engine::Error for what is found before
/// the first step.
int train_in_terminal(const engine::RunConfig& config, const engine::EngineApi& engine,
                      bool as_json);

/// The refusal of a launcher that starts several processes (WORLD_SIZE > 1), which would write one
/// run folder.
std::vector<engine::Problem> launcher_problems();

}  // namespace paradigm
