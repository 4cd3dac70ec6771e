// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/runs/run_catalog.h"
#include "engine/runs/run_reader.h"

#include <filesystem>
#include <optional>
#include <vector>

namespace engine {

/// All that a run folder says about a run at the moment of reading, superseded events left out.
struct RunRecord {
  std::optional<RunStarted> started;  ///< of the newest part; max_steps as extended
  double started_at = 0;              ///< of the first part
  std::vector<StepLogged> steps;
  std::vector<Evaluated> evaluations;
  std::vector<CheckpointSaved> checkpoints;
  std::vector<RunMessage> messages;
  std::vector<DivergenceSeen> divergences;
  std::optional<CostCompared> cost;       ///< the newest
  std::optional<LayerStats> layer_stats;  ///< the newest
  std::optional<RunFinished> finished;    ///< of the newest part
  std::optional<RunFailed> failed;
  std::optional<RunStatus> status;
  ObservedState observed;

  void apply(const RunUpdate& update);
};

RunRecord read_record(const std::filesystem::path& run_dir);

}  // namespace engine
