// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/plan_report.h"

#include "app/paradigm/output.h"
#include "engine/scripted/scripted_file.h"
#include "engine/transform/followed_formats.h"
#include "engine/transform/transform_schedules.h"

#include <fmt/format.h>

#include <algorithm>

namespace paradigm {
namespace {

using engine::Assignment;
using engine::Outcome;

/// A plan is made before it is known.
constexpr const char* kComputeDtype = "compute dtype";

Json values_json(const engine::ParamValues& values) {
  Json json = Json::object();
  for (const engine::PlacedValue& entry : values.entries())
    json[entry.name] = value_json(entry.value);
  return json;
}

Json assignment_json(const Assignment& assignment, const engine::TransformConfig& config) {
  Json json{{"layer", assignment.layer}, {"kind", engine::to_string(assignment.kind)}};
  json["outcome"] = engine::to_string(assignment.outcome);
  json["rule"] = nullptr;
  if (assignment.rule >= 0)
    json["rule"] = config.rules[static_cast<std::size_t>(assignment.rule)].pattern;
  json["paradigm"] = nullptr;
  json["values"] = nullptr;
  if (assignment.outcome == Outcome::transformed) {
    json["paradigm"] = assignment.paradigm;
    json["values"] = values_json(assignment.values);
    for (const std::string& parameter : assignment.followed)
      json["values"][parameter] = kComputeDtype;
  }
  return json;
}

int count(const engine::TransformPlan& plan, Outcome outcome) {
  return static_cast<int>(
      std::count_if(plan.assignments.begin(), plan.assignments.end(),
                    [&](const Assignment& each) { return each.outcome == outcome; }));
}

int count(const engine::TransformPlan& plan, engine::LayerKind kind) {
  return static_cast<int>(
      std::count_if(plan.assignments.begin(), plan.assignments.end(), [&](const Assignment& each) {
        return each.outcome == Outcome::transformed && each.kind == kind;
      }));
}

std::string effect_of(const engine::TransformRule& rule) {
  if (rule.leave_alone) return "leave alone";
  return rule.paradigm.empty() ? "?" : rule.paradigm;
}

}  // namespace

std::string PlanReport::rules_text() const {
  std::size_t pattern_width = 7;
  std::size_t effect_width = 8;
  for (const engine::TransformRule& rule : config.rules) {
    pattern_width = std::max(pattern_width, rule.pattern.size());
    effect_width = std::max(effect_width, effect_of(rule).size());
  }
  std::string text = fmt::format("  #  {:<{}}  {:<{}}  matched   won  shadowed\n", "pattern",
                                 pattern_width, "paradigm", effect_width);
  for (std::size_t r = 0; r < config.rules.size(); ++r) {
    const engine::RuleCounts& counts = plan.counts.at(r);
    text += fmt::format("{:>3}  {:<{}}  {:<{}}  {:>7}  {:>4}  {:>8}\n", r + 1,
                        config.rules[r].pattern, pattern_width, effect_of(config.rules[r]),
                        effect_width, counts.matched, counts.won, counts.shadowed);
  }
  return text;
}

std::string PlanReport::schedules_text() const {
  std::string text;
  for (const engine::RuleSchedule& each : engine::rule_schedules(plan))
    text += fmt::format("rule {}: {}\n", each.rule + 1, each.text());
  return text;
}

std::string PlanReport::formats_text() const {
  std::string text;
  for (const engine::FollowedFormat& each : engine::followed_formats(plan))
    text += fmt::format("rule {}: {} is the {}\n", each.rule + 1, each.parameter, kComputeDtype);
  return text;
}

std::string PlanReport::files_text() const {
  std::string text;
  for (const engine::ScriptedFilePtr& file : config.scripted)
    text += fmt::format("{}: {}, SHA-256 {}\n", file->info.id, file->path.string(), file->sha256);
  return text;
}

std::string PlanReport::totals_text() const {
  std::string text = fmt::format("{} of {} layers transformed: {} attention, {} linear",
                                 count(plan, Outcome::transformed), plan.assignments.size(),
                                 count(plan, engine::LayerKind::attention),
                                 count(plan, engine::LayerKind::linear));
  if (const int alone = count(plan, Outcome::left_alone))
    text += fmt::format("; {} left alone", alone);
  if (const int plain = count(plan, Outcome::kind_not_handled))
    text += fmt::format("; {} stay plain", plain);
  if (const int unmatched = count(plan, Outcome::unmatched))
    text += fmt::format("; {} without a rule", unmatched);
  return text + "\n";
}

Json PlanReport::json() const {
  Json rules = Json::array();
  for (std::size_t r = 0; r < config.rules.size(); ++r) {
    const engine::TransformRule& rule = config.rules[r];
    const engine::RuleCounts& counts = plan.counts.at(r);
    rules.push_back({{"pattern", rule.pattern},
                     {"line", rule.place.line},
                     {"paradigm", rule.paradigm.empty() ? Json(nullptr) : Json(rule.paradigm)},
                     {"matched", counts.matched},
                     {"won", counts.won},
                     {"shadowed", counts.shadowed}});
  }
  Json assignments = Json::array();
  for (const Assignment& assignment : plan.assignments)
    assignments.push_back(assignment_json(assignment, config));
  Json files = Json::array();
  for (const engine::ScriptedFilePtr& file : config.scripted)
    files.push_back(
        {{"paradigm", file->info.id}, {"file", file->path.string()}, {"sha256", file->sha256}});
  return {{"histogram", Json::parse(engine::transform_histogram_json(plan.histogram))},
          {"rules", std::move(rules)},
          {"assignments", std::move(assignments)},
          {"paradigm_files", std::move(files)},
          {"digest", engine::transform_digest(plan)},
          {"problems", problems_json(problems)}};
}

PlanReport plan_report(const engine::LayerInventory& inventory, const std::string& transform_file) {
  const std::vector<engine::ParadigmInfo> infos = engine::paradigm_infos();
  engine::ParsedTransform parsed = engine::read_transform_config(transform_file, infos);
  PlanReport report;
  report.config = std::move(parsed.config);
  report.problems = std::move(parsed.problems);
  if (report.config.rules.empty() && engine::has_errors(report.problems)) return report;
  report.plan = engine::plan_transform(inventory, report.config, infos);
  for (const engine::Problem& problem : report.plan.problems) report.problems.push_back(problem);
  return report;
}

}  // namespace paradigm
