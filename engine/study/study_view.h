// SPDX-License-Identifier: GPL-3.0-or-later
// A study as it stands: its cells and how far each is. What the command and the window work with.
#pragma once

#include "engine/study/study_status.h"

#include <string>
#include <vector>

namespace engine {

struct StudyView {
  Study study;
  std::vector<StudyCell> cells;
  std::vector<CellStatus> statuses;  ///< one for each cell
};

/// Reads and checks the file, and looks at the folder of every run. Throws Error with everything
/// that is wrong.
StudyView read_study(const std::string& file);

/// Looks at the folders again.
std::vector<CellStatus> statuses_of(const StudyView& view);

/// One error for each run that is there and is another one than the study asks for.
std::vector<Problem> other_runs_in(const StudyView& view);
/// Throws them, when there are any.
void refuse_other_runs(const StudyView& view);

/// A warning for each transform file that has been edited since the study was first run: its runs
/// go on with it as it was.
std::vector<Problem> changed_transforms_in(const StudyView& view);

bool is_to_be_run(const CellStatus& status);

/// The cell's configuration for what is to be done about it: what saved nothing to go on from is
/// overwritten, what is no run is not touched.
RunConfig config_to_run(const StudyCell& cell, const CellStatus& status);

/// Before runs of `view` begin: writes the study and its transforms into its folder, as they are
/// now where they are not there yet, and returns the study with cells that apply these. Throws
/// Error, also for runs that are other ones than the study asks for.
StudyView begin_study(const StudyView& view);

}  // namespace engine
