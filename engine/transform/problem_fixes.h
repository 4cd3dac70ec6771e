// SPDX-License-Identifier: GPL-3.0-or-later
// One-click fixes of problems and lints: edits of the text with a readable title.
//
// A Problem is cheap and made on every keystroke; its fixes are worked out when they are shown. For
// a list of problems ask has_fix() per row (by id alone), and fixes_for() when the row is selected,
// hovered or its button pressed. Apply `edit` like any other edit (see transform_editor.h); its
// title is the button's text. The first fix is the one to offer as the default.
#pragma once

#include "engine/config/transform_editor.h"
#include "engine/transform/transform_plan.h"

#include <string>
#include <vector>

namespace engine {

struct ProblemFix {
  TextEdit edit;                    ///< may have no patches: then `layers` are to be selected
  std::vector<std::string> layers;  ///< layers that this is about; may be empty
};

/// All of the same text; `plan` and `inventory` may be null while no checkpoint is open, then only
/// problems of the text itself have fixes.
struct FixInput {
  const TransformEditor& editor;
  const TransformConfig& config;
  const std::vector<ParadigmInfo>& infos;
  const TransformPlan* plan = nullptr;
  const LayerInventory* inventory = nullptr;
};

/// Whether a problem of this kind can have fixes at all.
bool has_fix(const Problem& problem);

/// Every fix that can be done as an edit, best first. Each has been tried: the new text parses, and
/// says what its title says.
std::vector<ProblemFix> fixes_for(const Problem& problem, const FixInput& input);

}  // namespace engine
