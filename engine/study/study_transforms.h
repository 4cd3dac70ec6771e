// SPDX-License-Identifier: GPL-3.0-or-later
// The transform files of a study as they were when it was first run. Copies lie in the study's
// folder and are what its runs apply, so that an edit in between does not mix two hardwares.
#pragma once

#include "engine/problem.h"
#include "engine/study/study.h"

#include <optional>
#include <string>

namespace engine {

/// What the study's runs apply for `file`, a transform that its base or an axis names: its copy
/// below study.output, or `file` itself while there is none.
std::string transform_in_effect(const Study& study, const std::string& file);

/// Copies `file`, and the TorchScript files that its rules name, into the study's folder. A copy
/// that is there is kept, also one that another process makes meanwhile. Throws Error.
void freeze_study_transform(const Study& study, const std::string& file);

/// A warning when `file` is no longer as it was copied, or gone.
std::optional<Problem> study_transform_changed(const Study& study, const std::string& file);

}  // namespace engine
