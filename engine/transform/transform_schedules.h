// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/transform/transform_plan.h"

#include <string>
#include <vector>

namespace engine {

/// A parameter that a rule moves over steps.
struct RuleSchedule {
  int rule = 0;  ///< index into TransformConfig::rules
  std::string parameter;
  ParamSchedule schedule;  ///< as it takes effect

  /// "q_lut_min 0.1 → 0.02 over 500 steps, linear"
  std::string text() const;
};

/// Of the rules that win a layer, in file order; parameters in schema order.
std::vector<RuleSchedule> rule_schedules(const TransformPlan& plan);

}  // namespace engine
