// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/followed_formats.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace engine {

std::vector<FollowedFormat> followed_formats(const TransformPlan& plan) {
  std::vector<FollowedFormat> found;
  std::set<int> seen;
  for (const Assignment* assignment : plan.replacements()) {
    if (!seen.insert(assignment->rule).second) continue;
    for (const std::string& parameter : assignment->followed) {
      const ParamValue format = assignment->values.get(parameter);
      found.push_back(
          {assignment->rule, parameter, is_set(format) ? to_string(format) : std::string()});
    }
  }
  std::stable_sort(
      found.begin(), found.end(),
      [](const FollowedFormat& a, const FollowedFormat& b) { return a.rule < b.rule; });
  return found;
}

std::string followed_formats_comment(const TransformPlan& plan, const TransformConfig& config) {
  std::string text;
  for (const FollowedFormat& each : followed_formats(plan))
    text +=
        fmt::format("#   {}: {} {}\n", config.rules[static_cast<std::size_t>(each.rule)].pattern,
                    each.parameter, each.format);
  return text.empty() ? text : "\n# formats that follow the compute dtype\n" + text;
}

}  // namespace engine
