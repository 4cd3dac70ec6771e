// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/paradigm/study_report.h"

#include <string>

namespace paradigm {

/// Runs what is missing or interrupted, each in a process of its own, and goes on when one fails. A
/// signal stops the run in progress and the study. Prints the states at the end. Returns the exit
/// code: 1 when a run failed, 75 when it was stopped.
int run_study(const StudyView& view, bool as_json);

/// Writes OUTPUT/study.sbatch, a job array with one task for each run that is missing or
/// interrupted. Returns how to submit it.
std::string write_slurm_script(const StudyView& view);

}  // namespace paradigm
