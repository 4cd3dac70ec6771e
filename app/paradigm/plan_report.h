// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/config/transform_config.h"
#include "engine/transform/transform_plan.h"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace paradigm {

/// Everything `paradigm plan` says, as text and as JSON.
struct PlanReport {
  engine::TransformConfig config;
  engine::TransformPlan plan;
  std::vector<engine::Problem> problems;  ///< of the file, then of the plan

  /// One line a rule, with its counts.
  std::string rules_text() const;
  /// One line a TorchScript file that the rules bring along; empty without any.
  std::string files_text() const;
  /// One line for each parameter that a rule moves over steps; empty without any.
  std::string schedules_text() const;
  /// One line for each number format that a rule leaves to the compute dtype; empty without any.
  std::string formats_text() const;
  /// "176 of 177 layers transformed: …".
  std::string totals_text() const;
  nlohmann::ordered_json json() const;
};

/// Reads `transform_file` and plans it on `inventory`. Mistakes of the file are in `problems`.
PlanReport plan_report(const engine::LayerInventory& inventory, const std::string& transform_file);

}  // namespace paradigm
