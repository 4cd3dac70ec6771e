// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/transform_editor.h"
#include "engine/transform/transform_plan.h"

#include <string>
#include <vector>

namespace engine {

/// Patches of a transform file after which `layers` are left alone and every other layer of `plan`,
/// which is the plan of `text`, is as before: a rule at the top, in a file without regular
/// expressions one for each layer; a rule of the same pattern is taken for it. `text` must be of a
/// dialect that can be edited, see canonical_text(). Refused when `layers` are empty.
EditResult keep_digital(const std::string& text, const std::string& file,
                        const std::vector<std::string>& layers, const TransformPlan& plan,
                        bool use_regex);

}  // namespace engine
