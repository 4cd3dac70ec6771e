// SPDX-License-Identifier: GPL-3.0-or-later
// One run as JSON and as text: `runs show`, `runs list` and the end of `train` print the same
// facts.
#pragma once

#include "app/paradigm/output.h"
#include "engine/runs/run_catalog.h"

#include <filesystem>
#include <string>
#include <vector>

namespace paradigm {

/// Under Hugging Face's names: step, epoch, loss, grad_norm, learning_rate, …
Json json_of(const engine::StepLogged& step);
Json json_of(const engine::Evaluated& evaluation);
/// {"step": 50, "layers": {LAYER: {STATISTIC: value}}}
Json json_of(const engine::LayerStats& stats);

Json json_of(const engine::DivergenceSeen& seen);
Json json_of(const engine::CostCompared& cost);

/// Problems of reading run.yaml are appended.
Json json_of(const engine::RunSummary& summary, std::vector<engine::Problem>& problems);
std::string text_of(const engine::RunSummary& summary);

/// No process works on the run any more: finished, stopped, failed, interrupted.
bool has_ended(engine::RunState state);

/// A run folder as given, or the run of that name below runs/. Throws Error when there is none.
std::filesystem::path find_run(const std::string& given);

/// "2026-05-01 14:02:07" in local time; "" for 0.
std::string time_text(double unix_seconds);

}  // namespace paradigm
