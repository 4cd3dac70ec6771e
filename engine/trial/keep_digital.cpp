// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/trial/keep_digital.h"

#include "engine/transform/paradigm_info.h"
#include "engine/transform/pattern_synthesis.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace engine {
namespace {

EditResult refused(std::string message) {
  Problem problem;
  problem.id = "cannot-edit";
  problem.message = std::move(message);
  EditResult result;
  result.refusals.push_back(std::move(problem));
  return result;
}

/// The index of the rule with this pattern, or -1.
int rule_of(const std::string& text, const std::string& file, const std::string& pattern) {
  const auto rules = parse_transform_config(text, file, paradigm_infos()).config.rules;
  const auto found = std::find_if(rules.begin(), rules.end(), [&](const TransformRule& rule) {
    return rule.pattern == pattern;
  });
  return found == rules.end() ? -1 : static_cast<int>(found - rules.begin());
}

}  // namespace

EditResult keep_digital(const std::string& text, const std::string& file,
                        const std::vector<std::string>& layers, const TransformPlan& plan,
                        bool use_regex) {
  if (layers.empty()) return refused("there are no layers to keep digital");
  std::vector<std::string> patterns = layers;
  if (use_regex) {
    std::vector<std::string> all;
    for (const Assignment& assignment : plan.assignments) all.push_back(assignment.layer);
    SynthesizedPattern synthesized = synthesize_pattern(layers, all);
    if (synthesized.pattern.empty()) return refused(synthesized.problem);
    patterns = {std::move(synthesized.pattern)};
  }
  EditResult joined;
  std::string edited = text;
  const auto take = [&](const EditResult& step) {
    if (!step.ok()) {
      joined.refusals = step.refusals;
      return false;
    }
    edited = apply_edit(std::move(edited), step.edit);
    const auto& patches = step.edit.patches;
    joined.edit.patches.insert(joined.edit.patches.end(), patches.begin(), patches.end());
    return true;
  };
  for (const std::string& pattern : patterns) {
    // The file may have a rule of this very pattern: it becomes the one that is needed.
    const int written = rule_of(edited, file, pattern);
    const bool done =
        written < 0
            ? take(TransformEditor(edited, file)
                       .insert_rule(0, {.pattern = pattern, .leave_alone = true, .entries = {}}))
            : take(TransformEditor(edited, file).leave_alone(written)) &&
                  take(TransformEditor(edited, file).move_rule(written, 0));
    if (!done) return {.edit = {}, .refusals = joined.refusals};
  }
  joined.edit.title = layers.size() == 1 ? fmt::format("Keep {} digital", layers.front())
                                         : fmt::format("Keep {} layers digital", layers.size());
  return joined;
}

}  // namespace engine
