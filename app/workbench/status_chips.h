// SPDX-License-Identifier: GPL-3.0-or-later
// What the chips of the status bar say. GUI thread.
#pragma once

class QToolButton;

namespace widgets {
class ProblemsModel;
class RunStore;
}  // namespace widgets

namespace app {

class EngineLoader;

/// The state of the engine, and the device that "auto" means once it is loaded.
void show_engine(QToolButton* engine_chip, QToolButton* device_chip, const EngineLoader& loader);
/// A run in progress, the one in this window first.
void show_run(QToolButton* chip, const widgets::RunStore& runs);
void show_problem_count(QToolButton* chip, const widgets::ProblemsModel& problems);

}  // namespace app
