// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/paradigm/output.h"
#include "engine/study/study_view.h"

#include <string>

namespace paradigm {

using engine::StudyView;

/// One line for each run: what would be done about it, and by which settings.
std::string plan_text(const StudyView& view);
/// States of the runs as a grid of cells and seeds, and the metric of each cell against the
/// baseline.
std::string status_text(const StudyView& view);
Json json_of(const StudyView& view);

}  // namespace paradigm
