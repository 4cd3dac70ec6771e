// SPDX-License-Identifier: GPL-3.0-or-later
// What the chips of the status bar say. GUI thread.
#pragma once

class QToolButton;

namespace widgets {
class ProblemsModel;
class RunStore;
struct RunRecord;
}  // namespace widgets

namespace app {

class EngineLoader;

/// The state of the engine, and the device that "auto" means once it is loaded.
void show_engine(QToolButton* engine_chip, QToolButton* device_chip, const EngineLoader& loader);
/// A run in progress, one in this window first; null when there is none.
const widgets::RunRecord* run_in_progress(const widgets::RunStore& runs);
/// That run, and how many more there are.
void show_run(QToolButton* chip, const widgets::RunStore& runs);
void show_problem_count(QToolButton* chip, const widgets::ProblemsModel& problems);

}  // namespace app
