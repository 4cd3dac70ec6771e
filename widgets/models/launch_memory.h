// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/param_schema.h"
#include "widgets/models/launch_request.h"

class QSettings;

namespace widgets {

/// Keeps the settings and the place of a launch for the next time, as the command that does the
/// same: it survives other versions of the flags.
void remember_launch(QSettings& settings, const LaunchRequest& request);

/// What was kept: nothing at the first start, and nothing that is no longer known. The folder of
/// the run, and whether to overwrite or resume one, are each launch's own and not kept.
LaunchRequest remembered_launch(const QSettings& settings);

}  // namespace widgets
