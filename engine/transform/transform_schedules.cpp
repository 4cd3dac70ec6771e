// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/transform_schedules.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace engine {

std::string RuleSchedule::text() const {
  return fmt::format("{} {}", parameter, description(schedule));
}

std::vector<RuleSchedule> rule_schedules(const TransformPlan& plan) {
  std::vector<RuleSchedule> found;
  std::set<int> seen;
  for (const Assignment* assignment : plan.replacements()) {
    if (!seen.insert(assignment->rule).second) continue;
    for (const PlacedValue& entry : assignment->values.entries())
      if (const auto* schedule = std::get_if<ParamSchedule>(&entry.value))
        found.push_back({assignment->rule, entry.name, *schedule});
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const RuleSchedule& a, const RuleSchedule& b) { return a.rule < b.rule; });
  return found;
}

}  // namespace engine
