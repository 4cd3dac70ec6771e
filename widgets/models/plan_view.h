// SPDX-License-Identifier: GPL-3.0-or-later
// What the editing views show: a checkpoint, a transform file, and the plan of one on the other. A
// value: computed once, shared read-only, replaced as a whole.
#pragma once

#include "engine/config/transform_config.h"
#include "engine/model/llama_config.h"
#include "engine/transform/layer_inventory.h"
#include "engine/transform/paradigm_info.h"
#include "engine/transform/transform_plan.h"
#include "widgets/models/layer_costs.h"

#include <QString>

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace widgets {

struct OpenCheckpoint {
  QString folder;
  engine::LlamaConfig config;
  engine::LayerInventory inventory;
  LayerCosts costs;  ///< at the sequence length that shares of FLOPs are shown for
};

/// Names, kinds, shapes and costs of a checkpoint's layers. Any thread.
std::shared_ptr<const OpenCheckpoint> make_checkpoint(const QString& folder,
                                                      const engine::LlamaConfig& config);

struct PlanView {
  std::shared_ptr<const OpenCheckpoint> checkpoint;          ///< null: none is open
  std::shared_ptr<const engine::ParsedTransform> transform;  ///< null: none is open
  engine::TransformPlan plan;                                ///< empty unless both are open
  std::vector<engine::Problem> problems;                     ///< of parsing, then of planning
  /// The text does not parse: `transform` and `plan` are those of the last one that did, `problems`
  /// those of the text.
  bool is_stale = false;

  bool has_plan() const { return checkpoint != nullptr && transform != nullptr; }
  /// A rule of the open file, or null for an index that it does not have.
  const engine::TransformRule* rule(int index) const;
};

using PlanViewPtr = std::shared_ptr<const PlanView>;

/// Plans when both are given. Null once `stop` is requested. Any thread.
PlanViewPtr make_plan_view(std::shared_ptr<const OpenCheckpoint> checkpoint,
                           std::shared_ptr<const engine::ParsedTransform> transform,
                           const std::vector<engine::ParadigmInfo>& infos,
                           const std::stop_token& stop = {});

/// Parses and plans a text that is being edited; none = no transform is open. While it does not
/// parse, the transform of `last` stays. Null once `stop` is requested. Any thread.
PlanViewPtr plan_text(std::shared_ptr<const OpenCheckpoint> checkpoint,
                      const std::optional<std::string>& text, const std::string& file,
                      const std::vector<engine::ParadigmInfo>& infos, const PlanViewPtr& last,
                      const std::stop_token& stop = {});

/// Number as the rule list shows it: "1", "2", …, or "default".
QString rule_label(const PlanView& view, int rule);
/// "rule 1 wins · rule 4 would match but 1 comes first", one line a rule, for tooltips. Rich text.
QString trail_text(const PlanView& view, const engine::Assignment& assignment);
/// "q_levels 256, q_lut_min 0.02": values in short.
QString values_text(const engine::ParamValues& values);

}  // namespace widgets
