// SPDX-License-Identifier: GPL-3.0-or-later
// What can be asked of a run, and why the rest cannot: the one rule behind the buttons, the menus
// and the palette.
#pragma once

#include "widgets/models/run_store.h"

#include <QString>

namespace widgets {

enum class RunAction {
  pause,
  proceed,  ///< a paused run goes on
  checkpoint,
  stop,      ///< after the step in progress, with a checkpoint
  stop_now,  ///< inside it: the last checkpoint stands
  kill,
  extend,
  further,       ///< a finished run is given more steps
  resume_here,   ///< an ended run goes on behind its checkpoint, in this window
  resume_apart,  ///< the same in a process of its own
  copy_resume,   ///< the command that does it, for a terminal; all there is on another machine
};
inline constexpr RunAction kRunActions[] = {
    RunAction::pause,       RunAction::proceed,      RunAction::checkpoint, RunAction::stop,
    RunAction::stop_now,    RunAction::kill,         RunAction::extend,     RunAction::further,
    RunAction::resume_here, RunAction::resume_apart, RunAction::copy_resume};

/// One sentence; empty: it can be asked now. `run` null: no run is shown.
QString why_not(RunAction action, const RunRecord* run);

/// What the run folder is asked for; none for what is no request.
engine::RunRequest request_of(RunAction action);

/// "stop", "continue": as the user asked for it.
QString request_text(engine::RunRequest request);

/// The action may be shown: a live run is steered, one that ended before its last step is resumed,
/// a finished one trains further.
bool is_for(RunAction action, const RunRecord& run);

/// Nothing else is asked before a request is answered, or this old; a stop this old lets the
/// process be killed.
inline constexpr double kPatienceInSeconds = 3;

}  // namespace widgets
