// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/runs/run_catalog.h"
#include "engine/study/study_cells.h"

#include <optional>
#include <string>
#include <vector>

namespace engine {

/// What is to be done about a cell.
enum class CellAction {
  none,    ///< finished
  start,   ///< there is no run, or one that saved nothing: it starts anew
  resume,  ///< from its newest checkpoint
  wait,    ///< some process works on it
};
const char* to_string(CellAction action);

struct CellStatus {
  CellAction action = CellAction::start;
  RunState state = RunState::queued;
  std::string detail;
  std::int64_t step = 0;
  std::int64_t max_steps = 0;
  std::optional<double> metric;  ///< of a finished run
  /// In what the run that is there differs from the cell: it must not be taken for it.
  std::string difference;
};

CellStatus status_of(const Study& study, const StudyCell& cell);

/// What one cell came to over its seeds, and against the baseline's, seed by seed.
struct CellResult {
  std::string label;
  std::int64_t finished = 0;
  std::int64_t seeds = 0;
  std::vector<double> values;       ///< of finished seeds
  std::vector<double> differences;  ///< to the baseline's, of seeds that both have finished
};

std::vector<CellResult> results_of(const Study& study, const std::vector<StudyCell>& cells,
                                   const std::vector<CellStatus>& statuses);

}  // namespace engine
