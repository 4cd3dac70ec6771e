// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/runs/run_event.h"
#include "engine/runs/run_state.h"

#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace engine {

/// The true state of a run: as recorded, and whether its writer lives (run.lock, pid with start
/// time, on this host). A run whose writer is gone is `interrupted`, on another host with an old
/// heartbeat `unknown`; never finished.
struct ObservedState {
  RunState state = RunState::unknown;
  std::string detail;
};
/// Reads status.json and the end of events.jsonl only, so it is quick for any length. Never throws
/// for content.
ObservedState observe_state(const std::filesystem::path& run_dir);

/// What a list of runs shows, from status.json and both ends of events.jsonl: quick for any length.
struct RunGlance {
  ObservedState observed;
  std::optional<RunStatus> status;
  std::optional<StepLogged> last_step;
  double started_at = 0;  ///< Unix seconds; of the folder when the events do not say
};
RunGlance glance_at(const std::filesystem::path& run_dir);

/// Everything `paradigm runs show` prints.
struct RunSummary {
  std::filesystem::path path;
  ObservedState observed;
  std::optional<RunStatus> status;
  std::string run_yaml;
  std::optional<RunStarted> started;
  double started_at = 0;
  std::optional<StepLogged> last_step;
  std::optional<Evaluated> last_eval;
  std::optional<LayerStats> last_layer_stats;
  /// smallest finite logged loss; NaN = none
  double best_loss = std::numeric_limits<double>::quiet_NaN();
  std::vector<CheckpointSaved> checkpoints;  ///< those whose folder exists, by step
  std::vector<RunMessage> messages;
  std::vector<DivergenceSeen> divergences;
  std::optional<CostCompared> cost;
  std::optional<RunFinished> finished;
  std::optional<RunFailed> failed;
};
RunSummary summarize_run(const std::filesystem::path& run_dir);

/// Run folders directly below `root` (or `root` itself), newest first. A folder is a run when it
/// holds events.jsonl, status.json or run.yaml.
std::vector<std::filesystem::path> find_runs(const std::filesystem::path& root);

/// One row per logged step at full rate, columns named as Hugging Face's logs; an evaluation stands
/// in the row of its step. Superseded steps are left out. Non-finite numbers are NaN, Infinity,
/// -Infinity; what was not measured is empty.
std::string export_csv(const std::filesystem::path& run_dir);

/// One row per sampled step, layer and statistic: step,layer,statistic,value. Numbers and
/// superseded steps as above.
std::string export_layer_stats_csv(const std::filesystem::path& run_dir);

}  // namespace engine
