// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/problem_fixes.h"

#include "engine/config/layer_pattern.h"
#include "engine/config/yaml_values.h"
#include "engine/scripted/scripted_file.h"
#include "engine/transform/pattern_lints.h"
#include "engine/transform/pattern_synthesis.h"
#include "engine/transform/torchtitan_translation.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace engine {
namespace {

std::string counted(std::size_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

class Fixer {
 public:
  Fixer(const Problem& problem, const FixInput& input)
      : problem_(problem), input_(input), editor_(input.editor), config_(input.config) {
    const TextPlaces places(editor_.text());
    if (problem.place.line > 0) offset_ = places.offset(problem.place.line, problem.place.column);
    // The rule that the problem is about is the one whose pattern stands at its place or before it.
    for (std::size_t r = 0; r < config_.rules.size(); ++r)
      if (problem.place.line > 0 && !rule_is_merged(r) &&
          editor_.rule_at(offset_) == static_cast<int>(r))
        rule_ = static_cast<int>(r);
  }

  std::vector<ProblemFix> fixes() {
    static const std::map<std::string, void (Fixer::*)()> table{
        {"unmatched-layer", &Fixer::fix_unmatched},
        {"duplicate-key", &Fixer::fix_duplicate},
        {"bad-value", &Fixer::fix_bad_value},
        {"yaml-boolean", &Fixer::fix_boolean},
        {"no-paradigm", &Fixer::fix_no_paradigm},
        {"unknown-paradigm", &Fixer::fix_unknown_paradigm},
        {"zero-matches", &Fixer::fix_zero_matches},
        {"other-naming", &Fixer::fix_other_naming},
        {"shadowed", &Fixer::fix_shadowed},
        {"partly-shadowed", &Fixer::fix_partly_shadowed},
        {"unescaped-dot", &Fixer::fix_dots},
        {"container-only", &Fixer::fix_container_only},
        {"head-exposed", &Fixer::fix_head},
        {"kind-not-handled", &Fixer::fix_kind},
        {"not-portable", &Fixer::fix_not_portable},
        {"snapped", &Fixer::fix_snapped},
        {"ignored", &Fixer::fix_ignored},
        {"reserved-name", &Fixer::fix_reserved}};
    const auto found = table.find(problem_.id);
    if (found != table.end() && editor_.rule_count() == static_cast<int>(config_.rules.size()))
      (this->*found->second)();
    return std::move(fixes_);
  }

 private:
  bool rule_is_merged(std::size_t r) const { return config_.rules[r].place.line == 0; }
  bool has_rule() const { return rule_ >= 0; }
  const TransformRule& rule() const { return config_.rules[static_cast<std::size_t>(rule_)]; }

  void offer(EditResult result, std::string title = "", std::vector<std::string> layers = {}) {
    if (!result.ok() || result.edit.empty()) return;
    if (!title.empty()) result.edit.title = std::move(title);
    fixes_.push_back({std::move(result.edit), std::move(layers)});
  }

  const ParadigmInfo* info_of(const TransformRule& rule) const {
    for (const ScriptedFilePtr& file : config_.scripted)
      if (file->info.id == rule.paradigm) return &file->info;
    return find_paradigm(input_.infos, rule.paradigm);
  }

  std::vector<std::string> candidates() const {
    std::vector<std::string> names;
    for (const Assignment& assignment : input_.plan->assignments) names.push_back(assignment.layer);
    return names;
  }

  template <typename Wanted>
  std::vector<std::string> layers_where(Wanted&& wanted) const {
    std::vector<std::string> names;
    if (input_.plan)
      for (const Assignment& assignment : input_.plan->assignments)
        if (wanted(assignment)) names.push_back(assignment.layer);
    return names;
  }

  bool is_in_trail(const Assignment& assignment) const {
    return std::find(assignment.trail.begin(), assignment.trail.end(), rule_) !=
           assignment.trail.end();
  }

  std::size_t matches_of(const std::string& text) const {
    const LayerPattern pattern(text, config_.use_regex);
    return layers_where([&](const Assignment& assignment) {
             return pattern.match(assignment.layer) == LayerPattern::Result::match;
           })
        .size();
  }

  /// Where a new rule does not come after the fallback.
  int last_place() const {
    const auto last = static_cast<int>(config_.rules.size());
    return last > 0 && config_.rules.back().is_default() ? last - 1 : last;
  }

  void fix_unmatched() {
    const std::vector<std::string> names =
        layers_where([](const Assignment& each) { return each.outcome == Outcome::unmatched; });
    if (names.size() == 1)
      offer(editor_.insert_rule(
                last_place(), {config_.use_regex ? escaped_pattern(names[0]) : names[0], true, {}}),
            fmt::format("Leave {} alone", names[0]), names);
    offer(editor_.insert_rule(editor_.rule_count(), {"default", true, {}}), "Add default: null",
          names);
  }

  void fix_duplicate() { offer(editor_.delete_pair_at(offset_)); }

  void fix_bad_value() {
    const KeyPlace at = editor_.key_at(offset_);
    if (at.rule < 0 && !at.key.empty()) {
      fix_root_key(at.key);
      return;
    }
    if (at.rule < 0) {
      // The pattern itself, or a value that is no map.
      if (has_rule() && (problem_.value == "None" || problem_.value == "none"))
        offer(editor_.leave_alone(rule_));
      return;
    }
    const TransformRule& owner = config_.rules[static_cast<std::size_t>(at.rule)];
    const ParadigmInfo* info = info_of(owner);
    const ParamSpec* spec = info ? info->schema.find(at.key) : nullptr;
    if (!spec) {
      rename_key(at, owner);
      return;
    }
    for (const std::string& word : {unquoted(), spec->is_nullable ? std::string("null") : ""})
      if (is_allowed(*spec, word))
        offer(set_for_all(at, word), fmt::format("Write {} for {}", word, at.key));
    if (is_set(spec->default_value))
      offer(set_for_all(at, yaml_value(spec->default_value)),
            fmt::format("Set {} to its default, {}", at.key, to_string(spec->default_value)));
    offer(editor_.unset_value(at.rule, at.key, SharedValue::change_for_all),
          fmt::format("Delete {}", at.key));
  }

  std::string unquoted() const {
    const std::string& value = problem_.value;
    return value.size() > 2 && value.front() == '"' && value.back() == '"'
               ? value.substr(1, value.size() - 2)
               : "";
  }

  static bool is_allowed(const ParamSpec& spec, const std::string& text) {
    if (text.empty()) return false;
    if (text == "null") return spec.is_nullable && !is_set(spec.default_value);
    std::vector<Problem> problems;
    ParamValues values;
    values.set(spec.name, parse_value(spec, text, {}, problems));
    return problems.empty() && problems_in(ParamSchema({spec}), values).empty();
  }

  EditResult set_for_all(const KeyPlace& at, const std::string& yaml) const {
    return editor_.set_value(at.rule, at.key, yaml, SharedValue::change_for_all);
  }

  void fix_root_key(const std::string& key) {
    const std::string near =
        nearest_name(key, {"use_regex", "layer_name_to_config", "transform_flavor", "paradigm"});
    if (near == key && key == "use_regex")
      offer(editor_.set_use_regex(true));
    else if (!near.empty() && near != key)
      offer(editor_.rename_root_key(key, near));
  }

  void rename_key(const KeyPlace& at, const TransformRule& owner) {
    std::vector<std::string> names{"paradigm"};
    for (const ParadigmInfo& info : input_.infos)
      if (owner.paradigm.empty() || info.id == owner.paradigm)
        for (const ParamSpec& spec : info.schema.specs()) names.push_back(spec.name);
    const std::string near = nearest_name(at.key, names);
    if (!near.empty() && near != at.key) offer(editor_.rename_key(at.rule, at.key, near));
    offer(editor_.unset_value(at.rule, at.key, SharedValue::change_for_all),
          fmt::format("Delete {}", at.key));
  }

  void fix_boolean() {
    const KeyPlace at = editor_.key_at(offset_);
    if (at.key.empty() || problem_.value.empty()) return;
    const char first = problem_.value[0];
    const bool is_on = problem_.value.size() == 2 &&
                       (problem_.value[1] == 'n' || problem_.value[1] == 'N') &&
                       (first == 'o' || first == 'O');
    const bool value = first == 'y' || first == 'Y' || is_on;
    if (at.rule < 0)
      offer(editor_.set_use_regex(value));
    else
      offer(set_for_all(at, value ? "true" : "false"),
            fmt::format("Write {} for {}", value, at.key));
  }

  void fix_no_paradigm() {
    if (!has_rule()) return;
    const std::vector<RuleEntry> entries = editor_.entries_of(rule_);
    const auto knows_all = [&](const ParadigmInfo& info) {
      return std::all_of(entries.begin(), entries.end(), [&](const RuleEntry& entry) {
        return entry.first == "paradigm" || info.schema.find(entry.first) != nullptr;
      });
    };
    for (const ParadigmInfo& info : input_.infos)
      if (knows_all(info)) offer(editor_.set_paradigm(rule_, info.id));
    if (!fixes_.empty()) return;
    for (const ParadigmInfo& info : input_.infos) offer(editor_.set_paradigm(rule_, info.id));
  }

  void fix_unknown_paradigm() {
    const KeyPlace at = editor_.key_at(offset_);
    std::vector<std::string> ids;
    for (const ParadigmInfo& info : input_.infos) ids.push_back(info.id);
    const std::string near = nearest_name(problem_.value, ids);
    const auto set = [&](const std::string& id) {
      if (at.key == "paradigm" && at.rule >= 0)
        offer(set_for_all(at, id), fmt::format("Set paradigm {}", id));
      else if (at.key == "paradigm")
        offer(editor_.set_file_paradigm(id), fmt::format("Set paradigm {}", id));
    };
    if (!near.empty()) {
      set(near);
      return;
    }
    for (const std::string& id : ids) set(id);
  }

  /// The pattern with words that no layer has replaced by the nearest ones that some have.
  std::string respelt() const {
    std::vector<std::string> known;
    std::set<std::string> is_known;
    for (const std::string& name : candidates()) {
      std::string word;
      std::string token;
      for (const char c : name + ".") {
        if (c == '.' || c == '_') {
          if (is_known.insert(word).second) known.push_back(word);
          word.clear();
        }
        if (c == '.') {
          if (is_known.insert(token).second) known.push_back(token);
          token.clear();
        } else {
          token += c;
          if (c != '_') word += c;
        }
      }
    }
    std::string text;
    std::size_t done = 0;
    for (const TextPiece& piece : literal_words(rule().pattern)) {
      std::string word = rule().pattern.substr(piece.offset, piece.length);
      const std::string edge = word.front() == '_' ? "_" : "";
      const std::string core = word.substr(edge.size());
      if (!is_known.count(core)) {
        const std::string near = nearest_name(core, known);
        if (!near.empty()) word = edge + near;
      }
      text += rule().pattern.substr(done, piece.offset - done) + word;
      done = piece.offset + piece.length;
    }
    return text + rule().pattern.substr(done);
  }

  void fix_zero_matches() {
    if (!has_rule() || !input_.plan) return;
    const auto propose = [&](const std::string& pattern) {
      const std::size_t count = pattern.empty() ? 0 : matches_of(pattern);
      if (count > 0 && pattern != rule().pattern && fixes_.empty())
        offer(editor_.set_pattern(rule_, pattern),
              fmt::format("Write {} ({})", pattern, counted(count, "layer")));
    };
    if (config_.use_regex) propose(respelt());
    const std::string near = nearest_name(plain_reading(rule().pattern), candidates());
    if (!near.empty() && config_.use_regex) {
      const SynthesizedPattern made = synthesize_pattern({near}, candidates());
      const bool is_general = rule().pattern.find_first_of("[*+\\d") != std::string::npos;
      if (is_general && !made.alternatives.empty()) propose(made.alternatives[0].pattern);
      propose(made.pattern);
    } else {
      propose(near);
    }
    offer(editor_.delete_rules({rule_}));
  }

  void fix_other_naming() {
    if (!has_rule() || !input_.plan) return;
    const std::vector<std::string> names = candidates();
    const TranslatedPattern translated =
        translate_pattern(rule().pattern, config_.use_regex, names);
    if (!translated.pattern.empty())
      offer(editor_.set_pattern(rule_, translated.pattern),
            fmt::format("Write {}", translated.pattern));
    TextEdit all{"Translate all rules to the checkpoint's names", {}};
    TransformEditor current = editor_;
    int count = 0;
    for (std::size_t r = 0; r < config_.rules.size(); ++r) {
      const bool is_other =
          !config_.rules[r].is_default() &&
          (input_.plan->counts[r].matched == 0 || !input_.plan->translated[r].empty());
      const TranslatedPattern each =
          is_other ? translate_pattern(config_.rules[r].pattern, config_.use_regex, names)
                   : TranslatedPattern{};
      if (each.pattern.empty()) continue;
      const EditResult result = current.set_pattern(static_cast<int>(r), each.pattern);
      if (!result.ok()) continue;
      current = TransformEditor(apply_edit(current.text(), result.edit));
      all.patches.insert(all.patches.end(), result.edit.patches.begin(), result.edit.patches.end());
      ++count;
    }
    if (count > 1) fixes_.push_back({std::move(all), {}});
  }

  const RuleCounts* counts() const {
    return has_rule() && input_.plan ? &input_.plan->counts[static_cast<std::size_t>(rule_)]
                                     : nullptr;
  }

  void fix_shadowed() {
    if (!counts() || counts()->shadowed_by.empty()) return;
    const int above = counts()->shadowed_by.front();
    offer(editor_.move_rule(rule_, above),
          fmt::format("Move rule {} above rule {}", rule_ + 1, above + 1));
    offer(editor_.delete_rules({rule_}));
  }

  void fix_partly_shadowed() {
    if (!counts() || counts()->shadowed_by.empty()) return;
    const std::vector<std::string> names = layers_where(
        [&](const Assignment& each) { return is_in_trail(each) && each.rule != rule_; });
    fixes_.push_back({{fmt::format("Show the {}", counted(names.size(), "layer")), {}}, names});
    const int above = counts()->shadowed_by.front();
    offer(editor_.move_rule(rule_, above),
          fmt::format("Move rule {} above rule {}", rule_ + 1, above + 1));
  }

  void fix_dots() {
    if (!has_rule()) return;
    std::string pattern = rule().pattern;
    const std::vector<std::size_t> dots = bare_dots(pattern);
    for (auto dot = dots.rbegin(); dot != dots.rend(); ++dot) pattern.insert(*dot, "\\");
    offer(editor_.set_pattern(rule_, pattern),
          dots.size() == 1 ? "Write \\." : fmt::format("Write \\. in all {} places", dots.size()));
  }

  void fix_container_only() {
    if (!has_rule() || !input_.plan) return;
    std::vector<std::string> containers =
        layers_where([&](const Assignment& each) { return is_in_trail(each); });
    const std::vector<std::string> inside = layers_where([&](const Assignment& each) {
      return each.trail.empty() &&
             std::any_of(containers.begin(), containers.end(), [&](const std::string& container) {
               return each.layer.compare(0, container.size() + 1, container + ".") == 0;
             });
    });
    const std::string pattern = synthesize_pattern(inside, candidates()).pattern;
    if (pattern.empty() || !config_.use_regex) return;
    const ParadigmInfo* info = info_of(rule());
    if (info && info->handles(LayerKind::linear)) {
      NewRule added{pattern, false, {}};
      if (rule().paradigm_source == ParadigmSource::rule)
        added.entries.emplace_back("paradigm", yaml_text(rule().paradigm));
      for (const PlacedValue& entry : rule().values.entries())
        added.entries.emplace_back(entry.name, yaml_value(entry.value));
      offer(editor_.insert_rule(rule_ + 1, added),
            fmt::format("Add a rule with the same values for {}",
                        counted(inside.size(), "projection")),
            inside);
    }
    offer(editor_.insert_rule(rule_ + 1, {pattern, true, {}}),
          fmt::format("Add a rule that leaves {} alone", counted(inside.size(), "projection")),
          inside);
  }

  void fix_head() {
    offer(editor_.insert_rule(last_place(), {"lm_head", true, {}}), "Leave lm_head alone",
          {"lm_head"});
  }

  void fix_kind() {
    if (!has_rule() || !input_.plan) return;
    const auto is_plain = [&](const Assignment& each) {
      return each.rule == rule_ && each.outcome == Outcome::kind_not_handled;
    };
    const std::vector<std::string> plain = layers_where(is_plain);
    const std::vector<std::string> handled =
        layers_where([&](const Assignment& each) { return is_in_trail(each) && !is_plain(each); });
    if (!config_.use_regex || plain.empty()) return;
    if (!handled.empty())
      offer(editor_.set_pattern(rule_, synthesize_pattern(handled, candidates()).pattern),
            fmt::format("Restrict the pattern to the other {}", counted(handled.size(), "layer")),
            handled);
    offer(editor_.insert_rule(rule_, {synthesize_pattern(plain, candidates()).pattern, true, {}}),
          fmt::format("Add a rule above that leaves {} alone", counted(plain.size(), "layer")),
          plain);
    if (handled.empty()) offer(editor_.delete_rules({rule_}));
  }

  void fix_not_portable() {
    if (!has_rule() || problem_.severity == Severity::note) return;
    const std::string pattern = portable_pattern(rule().pattern);
    if (!pattern.empty() && LayerPattern(pattern, true).error().empty())
      offer(editor_.set_pattern(rule_, pattern),
            fmt::format("Write {}, as Python reads it", pattern));
  }

  void fix_snapped() {
    const KeyPlace at = editor_.key_at(offset_);
    if (at.rule < 0) return;
    const TransformRule& owner = config_.rules[static_cast<std::size_t>(at.rule)];
    const ParadigmInfo* info = info_of(owner);
    const ParamSpec* spec = info ? info->schema.find(at.key) : nullptr;
    if (!spec) return;
    ParamValue value = effective_value(*spec, owner.values.get(at.key));
    if (auto* schedule = std::get_if<ParamSchedule>(&value)) {
      ParamSchedule written = *schedule;
      written.from = schedule->at(0);
      written.to = schedule->at(schedule->steps);
      value = written;
    }
    offer(set_for_all(at, yaml_value(value)), fmt::format("Write {}", to_string(value)));
  }

  void fix_ignored() {
    const KeyPlace at = editor_.key_at(offset_);
    if (at.rule >= 0)
      offer(editor_.unset_value(at.rule, at.key, SharedValue::change_for_all),
            fmt::format("Leave {} out", at.key));
  }

  void fix_reserved() {
    if (has_rule()) offer(editor_.set_pattern(rule_, "tota[l]"), "Write tota[l]");
  }

  const Problem& problem_;
  const FixInput& input_;
  const TransformEditor& editor_;
  const TransformConfig& config_;
  std::size_t offset_ = 0;
  int rule_ = -1;
  std::vector<ProblemFix> fixes_;
};

}  // namespace

bool has_fix(const Problem& problem) {
  static const std::set<std::string> ids{
      "unmatched-layer",  "duplicate-key",  "bad-value",    "yaml-boolean",     "no-paradigm",
      "unknown-paradigm", "zero-matches",   "other-naming", "shadowed",         "partly-shadowed",
      "unescaped-dot",    "container-only", "head-exposed", "kind-not-handled", "not-portable",
      "snapped",          "ignored",        "reserved-name"};
  return ids.count(problem.id) > 0 &&
         !(problem.id == "not-portable" && problem.severity == Severity::note);
}

std::vector<ProblemFix> fixes_for(const Problem& problem, const FixInput& input) {
  if (!has_fix(problem)) return {};
  return Fixer(problem, input).fixes();
}

}  // namespace engine
