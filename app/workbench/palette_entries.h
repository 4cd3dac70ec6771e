// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/plan_view.h"
#include "widgets/panels/command_palette.h"

#include <vector>

namespace widgets {
class LaunchPanel;
class RunStore;
class Selection;
}  // namespace widgets

namespace app {

class MainWindow;

/// Everything the palette finds: the actions of the window that can be triggered now, then rules,
/// runs, settings of the launch form and layers.
std::vector<widgets::CommandPalette::Entry> palette_entries(MainWindow* window,
                                                            const widgets::PlanView& view,
                                                            const widgets::RunStore& runs,
                                                            widgets::Selection* selection,
                                                            widgets::LaunchPanel* launch);

}  // namespace app
