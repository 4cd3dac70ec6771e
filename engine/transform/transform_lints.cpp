// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/transform_lints.h"

#include "engine/config/torchtitan_names.h"
#include "engine/transform/pattern_lints.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace engine {
namespace {

constexpr const char* head_name = "lm_head";

std::string layers_text(int count) {
  return fmt::format("{} layer{}", count, count == 1 ? "" : "s");
}

class Linter {
 public:
  explicit Linter(const LintInput& input)
      : input_(input), config_(input.config), plan_(input.plan) {
    matched_.resize(config_.rules.size());
    for (const Assignment& assignment : plan_.assignments) {
      kinds_.insert(assignment.kind);
      for (int r : assignment.trail) matched_[static_cast<std::size_t>(r)].push_back(&assignment);
    }
  }

  std::vector<Problem> lint() {
    lint_unmatched();
    for (std::size_t r = 0; r < config_.rules.size(); ++r) {
      if (input_.stop.stop_requested()) break;
      const TransformRule& rule = config_.rules[r];
      lint_values(rule);
      if (rule.pattern == "total")
        report("reserved-name", Severity::warning, rule.place, rule.pattern,
               "the pattern total collides with the histogram's own key, whose totals win",
               "Write tota[l]");
      if (rule.is_default() || !input_.is_usable[r]) continue;
      if (config_.use_regex) lint_pattern(rule);
      lint_counts(r);
    }
    lint_head();
    return std::move(problems_);
  }

 private:
  void report(const char* id, Severity severity, Place place, std::string value,
              std::string message, std::string remedy = "") {
    Problem problem;
    problem.id = id;
    problem.severity = severity;
    problem.place = std::move(place);
    problem.value = std::move(value);
    problem.message = std::move(message);
    problem.remedy = std::move(remedy);
    if (reported_.insert(to_string(problem)).second) problems_.push_back(std::move(problem));
  }

  int candidates() const { return static_cast<int>(plan_.assignments.size()); }

  void lint_unmatched() {
    std::vector<std::string> names;
    for (const Assignment& assignment : plan_.assignments)
      if (assignment.outcome == Outcome::unmatched) names.push_back(assignment.layer);
    if (names.empty()) return;
    constexpr std::size_t most_named = 5;
    const std::size_t total = names.size();
    const std::string first = names[0];
    std::vector<std::string> shown;
    for (std::size_t i = 0; i < std::min(total, most_named); ++i)
      shown.push_back("`" + names[i] + "`");
    if (total > most_named) shown.push_back(fmt::format("{} more layers", total - most_named));
    report("unmatched-layer", Severity::error, {config_.file, 0, 0}, first,
           fmt::format("{} {} no rule and there is no `default`", enumeration(shown),
                       total == 1 ? "matches" : "match"),
           total == 1 ? fmt::format("Add a rule for it, or `\"{}\": null` to leave it alone", first)
                      : "Add `default: null` to leave them alone");
  }

  void lint_pattern(const TransformRule& rule) {
    const std::vector<std::size_t> dots = bare_dots(rule.pattern);
    if (!dots.empty())
      report("unescaped-dot", Severity::warning, place_in_pattern(config_, rule, dots[0]),
             rule.pattern,
             fmt::format("`.` matches any character{}",
                         dots.size() > 1
                             ? fmt::format("; it stands {} times in this pattern", dots.size())
                             : ""),
             "Write `\\.` where a dot is meant");
    if (const std::optional<NotPortable> found = not_portable(rule.pattern))
      report("not-portable", Severity::warning, place_in_pattern(config_, rule, found->offset),
             rule.pattern, found->message, "Write it in a way that both read alike");
  }

  void lint_counts(std::size_t r) {
    const RuleCounts& counts = plan_.counts[r];
    const TransformRule& rule = config_.rules[r];
    if (!plan_.translated[r].empty())
      report("other-naming", Severity::warning, rule.place, rule.pattern,
             fmt::format("{} is torchtitan's naming: read as {}, {}", rule.pattern,
                         plan_.translated[r], layers_text(counts.matched)),
             "Write the checkpoint's own names (`model.layers.N.self_attn.q_proj`)");
    if (counts.matched == 0) {
      lint_no_match(r);
      return;
    }
    std::vector<std::string> takers;
    for (int taker : counts.shadowed_by) takers.push_back(std::to_string(taker + 1));
    const std::string rules =
        fmt::format("rule{} {}", takers.size() == 1 ? "" : "s", enumeration(takers));
    if (counts.won == 0)
      report("shadowed", Severity::warning, rule.place, rule.pattern,
             fmt::format("rule {} is never reached: {} take{} all {} that it matches", r + 1, rules,
                         takers.size() == 1 ? "s" : "", layers_text(counts.matched)),
             fmt::format("Move it above {}, or delete it", rules));
    else if (counts.shadowed > 0)
      report("partly-shadowed", Severity::note, rule.place, rule.pattern,
             fmt::format("{} of the {} that rule {} matches {} taken by {}", counts.shadowed,
                         layers_text(counts.matched), r + 1, counts.shadowed == 1 ? "is" : "are",
                         rules));
    lint_kinds(r);
  }

  void lint_no_match(std::size_t r) {
    const TransformRule& rule = config_.rules[r];
    std::vector<std::string> names;
    int torchtitan = 0;
    std::string other;
    for (const LayerInfo& layer : input_.inventory.layers()) {
      names.push_back(layer.name);
      const bool is_candidate = kinds_.count(layer.kind) > 0;
      if (is_candidate && matches(r, torchtitan_name(layer.name))) ++torchtitan;
      if (!is_candidate && other.empty() && matches(r, layer.name)) other = layer.name;
    }
    if (torchtitan > 0) {
      report("other-naming", Severity::warning, rule.place, rule.pattern,
             fmt::format("{} matches no layer here, but {} under torchtitan's names; it looks like "
                         "torchtitan naming "
                         "(`layers.N.attention.wq`)",
                         rule.pattern, torchtitan),
             "Write the checkpoint's own names (`model.layers.N.self_attn.q_proj`)");
      return;
    }
    // Edit distances to a thousand names take a millisecond: enough for the first ones.
    constexpr int most_suggestions = 50;
    const std::string near = suggestions_++ < most_suggestions
                                 ? nearest_name(plain_reading(rule.pattern), names)
                                 : std::string();
    report("zero-matches", Severity::warning, rule.place, rule.pattern,
           other.empty()
               ? fmt::format("{} matches none of {}", rule.pattern, layers_text(candidates()))
               : fmt::format("{} matches none of the {} that this file's paradigms can replace ({} "
                             "is not one of them)",
                             rule.pattern, layers_text(candidates()), other),
           near.empty() || !other.empty() ? "" : fmt::format("The nearest layer is {}", near));
  }

  bool matches(std::size_t r, const std::string& name) const {
    return !name.empty() && input_.patterns[r].match_quickly(name) == LayerPattern::Result::match;
  }

  void lint_kinds(std::size_t r) {
    const TransformRule& rule = config_.rules[r];
    const std::vector<const Assignment*>& matched = matched_[r];
    std::vector<const Assignment*> not_handled;
    for (const Assignment* assignment : matched)
      if (assignment->rule == static_cast<int>(r) &&
          assignment->outcome == Outcome::kind_not_handled)
        not_handled.push_back(assignment);
    if (!not_handled.empty() && find_paradigm(input_.infos, rule.paradigm))
      report(
          "kind-not-handled", Severity::warning, rule.place, rule.pattern,
          fmt::format(
              "{} cannot replace {} layers: {}{} stay plain", rule.paradigm,
              to_string(not_handled[0]->kind), not_handled[0]->layer,
              not_handled.size() == 1 ? "" : fmt::format(" and {} more", not_handled.size() - 1)),
          "Restrict the pattern");
    if (!rule.leave_alone) lint_containers(rule, matched);
  }

  /// A rule that wraps attentions only, where something else than a rule of their own decides on
  /// the projections.
  void lint_containers(const TransformRule& rule, const std::vector<const Assignment*>& matched) {
    for (const Assignment* assignment : matched)
      if (assignment->kind != LayerKind::attention) return;
    const bool forgotten =
        std::any_of(matched.begin(), matched.end(), [&](const Assignment* container) {
          const std::string prefix = container->layer + ".";
          return std::any_of(plan_.assignments.begin(), plan_.assignments.end(),
                             [&](const Assignment& assignment) {
                               return assignment.layer.compare(0, prefix.size(), prefix) == 0 &&
                                      assignment.trail.empty() &&
                                      assignment.outcome != Outcome::transformed;
                             });
        });
    if (forgotten)
      report(
          "container-only", Severity::note, rule.place, rule.pattern,
          fmt::format(
              "{} wraps the two matmuls of {} attention{}; projections are looked up on their own",
              rule.pattern, matched.size(), matched.size() == 1 ? "" : "s"),
          "Add a rule for the projections");
  }

  void lint_head() {
    const Assignment* head = plan_.find(head_name);
    if (!head || head->outcome != Outcome::transformed) return;
    const TransformRule& rule = config_.rules[static_cast<std::size_t>(head->rule)];
    if (rule.is_default() && head->trail.empty())
      report("head-exposed", Severity::warning, rule.place, head_name,
             "the output head `lm_head` is transformed via `default`", "Add `\"lm_head\": null`");
    const LayerInfo* layer = input_.inventory.find(head_name);
    if (layer && layer->parameters == 0)
      report("tied-head", Severity::note, rule.place, head_name,
             "`lm_head` shares its weight with the embedding: its use as a head is transformed, "
             "the lookup stays exact");
  }

  void lint_values(const TransformRule& rule) {
    const ParadigmInfo* info = find_paradigm(input_.infos, rule.paradigm);
    if (!info) return;
    std::vector<std::string> ours;
    Place first = rule.place;
    for (const PlacedValue& entry : rule.values.entries()) {
      const ParamSpec* spec = info->schema.find(entry.name);
      if (!spec) continue;
      if (is_set(entry.value) && is_ignored(*info, rule, entry.name))
        report("ignored", Severity::warning, entry.place, to_string(entry.value),
               fmt::format("{} {} has no effect beside the other values of this rule", entry.name,
                           to_string(entry.value)),
               "Leave it out");
      const ParamValue effective = effective_value(*spec, entry.value);
      if (is_set(effective) && effective != entry.value &&
          std::holds_alternative<double>(effective))
        report(
            "snapped", Severity::note, entry.place, to_string(entry.value),
            fmt::format("{} {} takes effect as 2^{} = {}", entry.name, to_string(entry.value),
                        std::lround(std::log2(std::get<double>(effective))), to_string(effective)),
            fmt::format("Write {}", to_string(effective)));
      const auto* schedule = std::get_if<ParamSchedule>(&effective);
      if (schedule) lint_schedule(entry, *schedule);
      if (spec->is_upstream && !schedule) continue;
      if (ours.empty()) first = entry.place;
      ours.push_back((spec->is_upstream ? "the schedule of `" : "`") + entry.name + "`");
    }
    if (rule.paradigm_source == ParadigmSource::rule) ours.push_back("`paradigm`");
    if (!ours.empty())
      report("not-portable", Severity::note, first, "",
             fmt::format("{} {} ours: NewComputeBench does not know {}", enumeration(ours),
                         ours.size() == 1 ? "is" : "are", ours.size() == 1 ? "it" : "them"));
  }

  static bool is_ignored(const ParadigmInfo& info, const TransformRule& rule,
                         const std::string& name) {
    return std::none_of(info.targets.begin(), info.targets.end(), [&](LayerKind kind) {
      return is_set(info.requested_values(rule.values, kind).get(name));
    });
  }

  void lint_schedule(const PlacedValue& entry, const ParamSchedule& effective) {
    const double from = effective.at(0);
    const double to = effective.at(effective.steps);
    if (from == effective.from && to == effective.to) return;
    report("snapped", Severity::note, entry.place, to_string(entry.value),
           fmt::format("{} {}", entry.name, description(effective)),
           fmt::format("Write from: {} and to: {}", to_string(from), to_string(to)));
  }

  const LintInput& input_;
  const TransformConfig& config_;
  const TransformPlan& plan_;
  std::vector<Problem> problems_;
  std::set<LayerKind> kinds_;  ///< of the candidates
  std::set<std::string> reported_;
  std::vector<std::vector<const Assignment*>> matched_;  ///< per rule, by its pattern
  int suggestions_ = 0;
};

}  // namespace

std::string enumeration(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " and " : ", ";
    text += words[i];
  }
  return text;
}

std::vector<Problem> transform_lints(const LintInput& input) { return Linter(input).lint(); }

}  // namespace engine
