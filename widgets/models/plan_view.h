// SPDX-License-Identifier: GPL-3.0-or-later
// What the editing views show: a checkpoint, a transform file, and the plan of one on the other. A
// value: computed once, shared read-only, replaced as a whole.
#pragma once

#include "engine/config/transform_config.h"
#include "engine/model/llama_config.h"
#include "engine/transform/layer_inventory.h"
#include "engine/transform/paradigm_info.h"
#include "engine/transform/transform_plan.h"

#include <QString>

#include <memory>
#include <vector>

namespace widgets {

struct OpenCheckpoint {
  QString folder;
  engine::LlamaConfig config;
  engine::LayerInventory inventory;
};

struct PlanView {
  std::shared_ptr<const OpenCheckpoint> checkpoint;          ///< null: none is open
  std::shared_ptr<const engine::ParsedTransform> transform;  ///< null: none is open
  engine::TransformPlan plan;                                ///< empty unless both are open
  std::vector<engine::Problem> problems;                     ///< of parsing, then of planning

  bool has_plan() const { return checkpoint != nullptr && transform != nullptr; }
  /// A rule of the open file, or null for an index that it does not have.
  const engine::TransformRule* rule(int index) const;
};

using PlanViewPtr = std::shared_ptr<const PlanView>;

/// Plans when both are given. Any thread.
PlanViewPtr make_plan_view(std::shared_ptr<const OpenCheckpoint> checkpoint,
                           std::shared_ptr<const engine::ParsedTransform> transform,
                           const std::vector<engine::ParadigmInfo>& infos);

/// Number as the rule list shows it: "1", "2", …, or "default".
QString rule_label(const PlanView& view, int rule);
/// "rule 1 wins · rule 4 would match but 1 comes first", one line a rule, for tooltips. Rich text.
QString trail_text(const PlanView& view, const engine::Assignment& assignment);
/// "q_levels 256, q_lut_min 0.02": values in short.
QString values_text(const engine::ParamValues& values);

}  // namespace widgets
