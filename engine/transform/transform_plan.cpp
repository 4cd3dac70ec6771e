// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/transform_plan.h"

#include "engine/config/layer_pattern.h"
#include "engine/digest.h"
#include "engine/scripted/scripted_file.h"
#include "engine/transform/torchtitan_translation.h"
#include "engine/transform/transform_lints.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace engine {

const char* to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::transformed:
      return "transformed";
    case Outcome::left_alone:
      return "left_alone";
    case Outcome::kind_not_handled:
      return "kind_not_handled";
    case Outcome::unmatched:
      return "unmatched";
  }
  return "unmatched";
}

const Assignment* TransformPlan::find(const std::string& layer) const {
  const auto found =
      std::find_if(assignments.begin(), assignments.end(),
                   [&](const Assignment& assignment) { return assignment.layer == layer; });
  return found == assignments.end() ? nullptr : &*found;
}

std::vector<const Assignment*> TransformPlan::replacements() const {
  std::vector<const Assignment*> ordered;
  const auto add = [&](bool attention) {
    for (const Assignment& assignment : assignments)
      if (assignment.outcome == Outcome::transformed &&
          (assignment.kind == LayerKind::attention) == attention)
        ordered.push_back(&assignment);
  };
  add(true);
  add(false);
  return ordered;
}

namespace {

/// Union of the kinds that the file's paradigms can replace; with none in the file, what upstream
/// looks up.
std::set<LayerKind> candidate_kinds(const TransformConfig& config,
                                    const std::vector<ParadigmInfo>& infos) {
  std::set<LayerKind> kinds;
  for (const TransformRule& rule : config.rules)
    if (const ParadigmInfo* info = find_paradigm(infos, rule.paradigm))
      kinds.insert(info->targets.begin(), info->targets.end());
  if (kinds.empty()) kinds = {LayerKind::attention, LayerKind::linear};
  return kinds;
}

/// Matches, of all rules together, that may take longer than a quick one. Not a clock, so that
/// every machine gives the same verdict.
constexpr int most_slow_matches = 500;

class Planner {
 public:
  Planner(const LayerInventory& inventory, const TransformConfig& config,
          const std::vector<ParadigmInfo>& infos, const std::string& compute_dtype,
          const std::stop_token& stop)
      : inventory_(inventory),
        config_(config),
        infos_(infos),
        compute_dtype_(compute_dtype),
        stop_(stop) {
    for (const ScriptedFilePtr& file : config.scripted) infos_.push_back(file->info);
  }

  std::optional<TransformPlan> plan() {
    const std::set<LayerKind> kinds = candidate_kinds(config_, infos_);
    for (const LayerInfo& layer : inventory_.layers()) {
      if (!kinds.count(layer.kind)) continue;
      Assignment assignment;
      assignment.layer = layer.name;
      assignment.kind = layer.kind;
      plan_.assignments.push_back(std::move(assignment));
    }
    match();
    translate_names();
    if (stop_.stop_requested()) return std::nullopt;
    for (Assignment& assignment : plan_.assignments) decide(assignment);
    count();
    fill_histogram();
    const LintInput input{inventory_, config_, infos_, patterns_, is_usable_, plan_, stop_};
    for (Problem& problem : transform_lints(input)) plan_.problems.push_back(std::move(problem));
    if (stop_.stop_requested()) return std::nullopt;
    std::stable_sort(
        plan_.problems.begin(), plan_.problems.end(), [](const Problem& a, const Problem& b) {
          return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
        });
    return std::move(plan_);
  }

 private:
  struct Values {
    ParamValues requested;
    ParamValues effective;
    std::vector<std::string> followed;
  };

  void match() {
    for (std::size_t r = 0; r < config_.rules.size(); ++r) {
      if (stop_.stop_requested()) return;
      const TransformRule& rule = config_.rules[r];
      patterns_.emplace_back(rule.pattern, config_.use_regex);
      is_usable_.push_back(patterns_.back().error().empty());
      if (!is_usable_[r]) {
        report_pattern(rule, patterns_.back().error_offset(), patterns_.back().error());
        continue;
      }
      for (Assignment& assignment : plan_.assignments) {
        const LayerPattern::Result result = match(patterns_.back(), assignment.layer);
        if (result == LayerPattern::Result::match) assignment.trail.push_back(static_cast<int>(r));
        if (result != LayerPattern::Result::gave_up) continue;
        is_usable_[r] = false;
        report_pattern(rule, 0, fmt::format("it backtracks without end on {}", assignment.layer),
                       "Write it without a repetition of repetitions, such as (.*)*");
        break;
      }
    }
  }

  /// A file that is written in torchtitan's names is read as one in the checkpoint's.
  void translate_names() {
    plan_.translated.resize(config_.rules.size());
    std::vector<bool> is_matched(config_.rules.size());
    std::vector<std::string> layers;
    for (const Assignment& assignment : plan_.assignments) {
      layers.push_back(assignment.layer);
      for (int r : assignment.trail) is_matched[static_cast<std::size_t>(r)] = true;
    }
    const bool any_matches = std::count(is_matched.begin(), is_matched.end(), true) > 0;
    if (any_matches && config_.dialect != TransformDialect::c6_pretraining) return;
    for (std::size_t r = 0; r < is_usable_.size() && !stop_.stop_requested(); ++r) {
      const TransformRule& rule = config_.rules[r];
      if (rule.is_default() || is_matched[r] || !is_usable_[r]) continue;
      plan_.translated[r] = translate_pattern(rule.pattern, config_.use_regex, layers).pattern;
      if (plan_.translated[r].empty()) continue;
      const LayerPattern pattern(plan_.translated[r], config_.use_regex);
      for (Assignment& assignment : plan_.assignments)
        if (match(pattern, assignment.layer) == LayerPattern::Result::match)
          assignment.trail.push_back(static_cast<int>(r));
    }
    for (Assignment& assignment : plan_.assignments)
      std::sort(assignment.trail.begin(), assignment.trail.end());
  }

  LayerPattern::Result match(const LayerPattern& pattern, const std::string& layer) {
    const LayerPattern::Result result = pattern.match_quickly(layer);
    if (result != LayerPattern::Result::gave_up || slow_matches_ == most_slow_matches)
      return result;
    ++slow_matches_;
    return pattern.match(layer);
  }

  void report_pattern(const TransformRule& rule, std::size_t offset, const std::string& why,
                      const std::string& remedy = "") {
    Problem problem;
    problem.id = "bad-pattern";
    problem.place = place_in_pattern(config_, rule, offset);
    problem.value = rule.pattern;
    problem.message = fmt::format("the pattern {} cannot be used: {}", rule.pattern, why);
    problem.remedy = remedy;
    plan_.problems.push_back(std::move(problem));
  }

  int default_rule() const {
    for (std::size_t r = 0; r < config_.rules.size(); ++r)
      if (config_.rules[r].is_default()) return static_cast<int>(r);
    return -1;
  }

  void decide(Assignment& assignment) const {
    assignment.rule = assignment.trail.empty() ? default_rule() : assignment.trail[0];
    if (assignment.rule < 0) return;
    const auto r = static_cast<std::size_t>(assignment.rule);
    const TransformRule& rule = config_.rules[r];
    const ParadigmInfo* info = find_paradigm(infos_, rule.paradigm);
    if (rule.leave_alone) {
      assignment.outcome = Outcome::left_alone;
    } else if (!info || !info->handles(assignment.kind)) {
      assignment.outcome = Outcome::kind_not_handled;
    } else {
      assignment.outcome = Outcome::transformed;
      assignment.paradigm = rule.paradigm;
      assignment.paradigm_digest = info->digest;
      const Values& values = resolved(r, assignment.kind);
      assignment.requested = values.requested;
      assignment.values = values.effective;
      assignment.followed = values.followed;
    }
  }

  /// The values of a rule for one kind of layer, worked out once.
  const Values& resolved(std::size_t r, LayerKind kind) const {
    const auto [entry, is_new] = values_.try_emplace({r, kind});
    if (is_new) {
      const TransformRule& rule = config_.rules[r];
      const ParadigmInfo& info = *find_paradigm(infos_, rule.paradigm);
      entry->second = {
          info.requested_values(rule.values, kind), info.effective_values(rule.values, kind), {}};
      resolve_formats(info, entry->second);
    }
    return entry->second;
  }

  void resolve_formats(const ParadigmInfo& info, Values& values) const {
    for (const ParamSpec& spec : info.schema.specs()) {
      if (!spec.follows_compute_dtype || is_set(values.effective.get(spec.name))) continue;
      values.followed.push_back(spec.name);
      if (!compute_dtype_.empty()) values.effective.set(spec.name, compute_dtype_);
    }
  }

  void count() {
    plan_.counts.resize(config_.rules.size());
    for (const Assignment& assignment : plan_.assignments) {
      for (int r : assignment.trail) {
        RuleCounts& counts = plan_.counts[static_cast<std::size_t>(r)];
        ++counts.matched;
        if (r == assignment.rule) continue;
        ++counts.shadowed;
        counts.shadowed_by.push_back(assignment.rule);
      }
      if (assignment.rule < 0) continue;
      RuleCounts& winner = plan_.counts[static_cast<std::size_t>(assignment.rule)];
      ++winner.won;
      if (assignment.trail.empty()) ++winner.matched;
    }
    for (RuleCounts& counts : plan_.counts) {
      std::sort(counts.shadowed_by.begin(), counts.shadowed_by.end());
      counts.shadowed_by.erase(std::unique(counts.shadowed_by.begin(), counts.shadowed_by.end()),
                               counts.shadowed_by.end());
    }
  }

  void fill_histogram() {
    std::vector<HistogramEntry> entries;
    for (const TransformRule& rule : config_.rules) entries.push_back({rule.pattern, {}});
    for (const Assignment* assignment : plan_.replacements())
      entries[static_cast<std::size_t>(assignment->rule)].layers.push_back(assignment->layer);
    for (HistogramEntry& entry : entries)
      if (!entry.layers.empty()) plan_.histogram.entries.push_back(std::move(entry));
  }

  const LayerInventory& inventory_;
  const TransformConfig& config_;
  std::vector<ParadigmInfo> infos_;
  std::string compute_dtype_;
  const std::stop_token stop_;
  int slow_matches_ = 0;
  std::vector<LayerPattern> patterns_;
  std::vector<bool> is_usable_;
  mutable std::map<std::pair<std::size_t, LayerKind>, Values> values_;
  TransformPlan plan_;
};

}  // namespace

TransformPlan plan_transform(const LayerInventory& inventory, const TransformConfig& config,
                             const std::vector<ParadigmInfo>& infos,
                             const std::string& compute_dtype) {
  return *Planner(inventory, config, infos, compute_dtype, {}).plan();
}

std::optional<TransformPlan> plan_transform(const LayerInventory& inventory,
                                            const TransformConfig& config,
                                            const std::vector<ParadigmInfo>& infos,
                                            const std::string& compute_dtype,
                                            const std::stop_token& stop) {
  return Planner(inventory, config, infos, compute_dtype, stop).plan();
}

std::string transform_digest(const TransformPlan& plan) {
  std::string text;
  for (const Assignment& assignment : plan.assignments) {
    if (assignment.outcome != Outcome::transformed) continue;
    text += fmt::format("{}\t{}{}\n", assignment.layer, assignment.paradigm,
                        assignment.paradigm_digest.empty() ? "" : " " + assignment.paradigm_digest);
    for (const PlacedValue& entry : assignment.values.entries())
      text += fmt::format("\t{}={}\n", entry.name, to_string(entry.value));
  }
  return sha256_hex(text);
}

}  // namespace engine
