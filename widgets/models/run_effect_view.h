// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/compare/comparable_run.h"
#include "widgets/models/plan_view.h"

namespace widgets {

/// The run's layers and what its transform does to each, for trees and histograms. Null where the
/// model's sizes are not known. Reads nothing; any thread.
PlanViewPtr plan_view_of(const engine::ComparableRun& run);

}  // namespace widgets
