// SPDX-License-Identifier: GPL-3.0-or-later
// What is suspicious about a plan: the ids, severities and texts that the workbench and `paradigm
// plan` share.
#pragma once

#include "engine/config/layer_pattern.h"
#include "engine/transform/transform_plan.h"

#include <stop_token>
#include <string>
#include <vector>

namespace engine {

struct LintInput {
  const LayerInventory& inventory;
  const TransformConfig& config;
  const std::vector<ParadigmInfo>& infos;
  const std::vector<LayerPattern>& patterns;  ///< one per rule
  const std::vector<bool>& is_usable;  ///< per rule: compiles and stays within the match limits
  const TransformPlan& plan;           ///< assignments and counts
  std::stop_token stop{};              ///< asked at every rule; the result is then incomplete
};

/// All lints and errors of planning but "bad-pattern", which the matching itself finds. In the
/// order of the file.
std::vector<Problem> transform_lints(const LintInput& input);

/// "1", "1 and 2", "1, 2 and 3".
std::string enumeration(const std::vector<std::string>& words);

}  // namespace engine
