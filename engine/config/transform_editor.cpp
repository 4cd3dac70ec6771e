// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/transform_editor.h"

#include "engine/config/anchor_moves.h"
#include "engine/config/edit_draft.h"
#include "engine/config/number_text.h"
#include "engine/config/rule_edits.h"
#include "engine/config/value_edits.h"
#include "engine/config/yaml_values.h"

#include <fmt/format.h>

#include <algorithm>

namespace engine {
namespace {

EditResult no_such_rule(int rule) {
  return refused(cannot_edit(fmt::format("there is no rule {}", rule + 1), ""));
}

EditResult not_editable() {
  return refused(cannot_edit(
      "this text cannot be edited rule by rule: it does not parse, or it is no map of patterns",
      "Mend the YAML text, or save the imported rules as a new file"));
}

}  // namespace

TransformEditor::TransformEditor(std::string text, const std::string& file)
    : state_(std::make_shared<const State>(std::move(text), file)) {}

bool TransformEditor::can_edit() const { return state_->rules.is_editable; }
const std::vector<Problem>& TransformEditor::problems() const { return state_->problems; }
const std::string& TransformEditor::text() const { return state_->text(); }
int TransformEditor::rule_count() const { return static_cast<int>(state_->rules.rules.size()); }

int TransformEditor::rule_at(std::size_t offset) const { return RuleEdits(*this).rule_at(offset); }

std::vector<RuleEntry> TransformEditor::entries_of(int rule) const {
  std::vector<RuleEntry> entries;
  if (state_->has_rule(rule))
    for (const YamlPair& pair : state_->rule_pair(rule).value->pairs)
      entries.emplace_back(pair.key->text, flow_text(state_->document, *pair.value));
  return entries;
}

ValueOrigin TransformEditor::origin_of(int rule, const std::string& key) const {
  return state_->has_rule(rule) ? ValueEdits(*this).origin(rule, key) : ValueOrigin{};
}

KeyPlace TransformEditor::key_at(std::size_t offset) const {
  return state_->document.root() ? ValueEdits(*this).key_at(offset) : KeyPlace{};
}

EditResult TransformEditor::set_value(int rule, const std::string& key, const std::string& yaml,
                                      SharedValue shared) const {
  if (!can_edit()) return not_editable();
  if (!state_->has_rule(rule)) return no_such_rule(rule);
  return ValueEdits(*this).set(rule, key, yaml, shared);
}

EditResult TransformEditor::set_value(const std::vector<int>& rules, const std::string& key,
                                      const std::string& yaml, SharedValue shared) const {
  std::vector<std::function<EditResult(const TransformEditor&)>> steps;
  std::string numbers;
  for (int rule : rules) {
    numbers += fmt::format("{}{}", numbers.empty() ? "" : ", ", rule + 1);
    steps.push_back([rule, &key, &yaml, shared](const TransformEditor& editor) {
      return editor.set_value(rule, key, yaml, shared);
    });
  }
  return in_sequence(
      *this,
      fmt::format("Set {} to {} on rule{} {}", key, yaml, rules.size() == 1 ? "" : "s", numbers),
      steps);
}

EditResult TransformEditor::unset_value(int rule, const std::string& key,
                                        SharedValue shared) const {
  if (!can_edit()) return not_editable();
  if (!state_->has_rule(rule)) return no_such_rule(rule);
  return ValueEdits(*this).unset(rule, key, shared);
}

EditResult TransformEditor::rename_key(int rule, const std::string& key,
                                       const std::string& new_key) const {
  if (!can_edit()) return not_editable();
  if (!state_->has_rule(rule)) return no_such_rule(rule);
  return ValueEdits(*this).rename(rule, key, new_key);
}

EditResult TransformEditor::set_entries(int rule, const std::vector<RuleEntry>& entries) const {
  if (!can_edit()) return not_editable();
  if (!state_->has_rule(rule)) return no_such_rule(rule);
  return ValueEdits(*this).set_entries(rule, entries);
}

EditResult TransformEditor::set_paradigm(int rule, const std::string& id) const {
  if (!can_edit()) return not_editable();
  if (!state_->has_rule(rule)) return no_such_rule(rule);
  return ValueEdits(*this).set_paradigm(rule, id);
}

EditResult TransformEditor::set_pattern(int rule, const std::string& pattern) const {
  if (!can_edit()) return not_editable();
  if (!state_->has_rule(rule)) return no_such_rule(rule);
  return RuleEdits(*this).set_pattern(rule, pattern);
}

EditResult TransformEditor::leave_alone(int rule) const {
  if (!can_edit()) return not_editable();
  if (!state_->has_rule(rule)) return no_such_rule(rule);
  return ValueEdits(*this).leave_alone(rule);
}

EditResult TransformEditor::restore(int rule, const std::string& value_source) const {
  if (!can_edit()) return not_editable();
  if (!state_->has_rule(rule)) return no_such_rule(rule);
  return ValueEdits(*this).restore(rule, value_source);
}

std::string TransformEditor::value_source(int rule) const {
  return can_edit() && state_->has_rule(rule) ? ValueEdits(*this).source(rule) : "";
}

EditResult TransformEditor::insert_rule(int before, const NewRule& rule) const {
  if (!can_edit()) return not_editable();
  return RuleEdits(*this).insert(std::clamp(before, 0, rule_count()), rule);
}

EditResult TransformEditor::duplicate_rule(int rule) const {
  if (!can_edit()) return not_editable();
  if (!state_->has_rule(rule)) return no_such_rule(rule);
  return RuleEdits(*this).duplicate(rule);
}

EditResult TransformEditor::delete_rules(std::vector<int> rules) const {
  if (!can_edit()) return not_editable();
  std::sort(rules.rbegin(), rules.rend());
  rules.erase(std::unique(rules.begin(), rules.end()), rules.end());
  std::vector<std::function<EditResult(const TransformEditor&)>> steps;
  for (int rule : rules) {
    if (!state_->has_rule(rule)) return no_such_rule(rule);
    steps.push_back(
        [rule](const TransformEditor& editor) { return RuleEdits(editor).remove(rule); });
  }
  return in_sequence(*this,
                     rules.size() == 1 ? fmt::format("Delete rule {}", rules[0] + 1)
                                       : fmt::format("Delete {} rules", rules.size()),
                     steps);
}

EditResult TransformEditor::move_rule(int from, int to) const {
  if (!can_edit()) return not_editable();
  if (!state_->has_rule(from)) return no_such_rule(from);
  if (!state_->has_rule(to)) return no_such_rule(to);
  return RuleEdits(*this).move(from, to);
}

EditResult TransformEditor::set_use_regex(bool use_regex) const {
  if (!can_edit()) return not_editable();
  return RuleEdits(*this).set_header("use_regex", use_regex ? "true" : "false");
}

EditResult TransformEditor::set_file_paradigm(const std::string& id) const {
  if (!can_edit()) return not_editable();
  return RuleEdits(*this).set_header("paradigm", yaml_text(id));
}

EditResult TransformEditor::rename_root_key(const std::string& key,
                                            const std::string& new_key) const {
  if (!state_->document.root()) return not_editable();
  return RuleEdits(*this).rename_root_key(key, new_key);
}

EditResult TransformEditor::delete_pair_at(std::size_t offset) const {
  if (!can_edit()) return not_editable();
  return ValueEdits(*this).delete_pair_at(offset);
}

std::string yaml_value(const ParamValue& value) {
  const auto* words = std::get_if<std::string>(&value);
  return words ? yaml_text(*words) : to_string(value);
}

std::string empty_transform_text() {
  return "# Which layers of the model run on simulated hardware. A rule is `pattern: values`: the "
         "first\n"
         "# pattern that matches the whole name of a layer wins, null leaves the layer alone.\n"
         "\n"
         "use_regex: true\n"
         "\n"
         "layer_name_to_config:\n"
         "  # '.*\\.mlp\\.(gate|up|down)_proj': # the feed-forward projections\n"
         "  #   q_levels: 256\n"
         "\n"
         "  default: null # every other layer\n";
}

}  // namespace engine
