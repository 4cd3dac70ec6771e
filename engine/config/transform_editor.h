// SPDX-License-Identifier: GPL-3.0-or-later
// Edits of a transform configuration as minimal patches of its text: comments, order, quoting,
// anchors and every other line stay byte for byte.
//
// How to use it. Keep the text; after every change of it make a new editor (a parse, well under a
// millisecond for twenty rules). An edit never changes the editor: it returns patches and a title.
// Push a command that holds `edit` and inverse_edit(text, edit) on the undo stack, apply, re-parse,
// re-plan. Rule numbers are indices into TransformConfig::rules of the same text (0-based; titles
// count from 1, as the window does). Each edit is checked before it is returned: the new text
// parses and says exactly what was asked for, nothing else; where that cannot be reached,
// `refusals` says why, and the text is better edited by hand. A refused edit has no patches.
//
// Values that several rules share through an anchor, an alias or a merge key: origin_of() says so,
// SharedValue chooses. Files with schema problems (unknown keys or paradigms, values out of range,
// duplicates) stay editable; texts that do not parse and dialects other than C1 and C2 do not:
// canonical_text() of transform_config.h writes those as a new C1 text.
#pragma once

#include "engine/config/param_schema.h"
#include "engine/config/text_edit.h"
#include "engine/problem.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace engine {

struct EditResult {
  TextEdit edit;                  ///< empty when refused, or when nothing has to change
  std::vector<Problem> refusals;  ///< id "cannot-edit" or "bad-value"; empty: go ahead

  bool ok() const { return refusals.empty(); }
};

/// What happens to other rules that share the value.
enum class SharedValue {
  override_here,  ///< only this rule changes: it gets a value of its own, or the others keep theirs
  change_for_all,  ///< the one place where the value is written changes, and all rules with it
};

/// Where a rule's value is written and who else reads it there.
struct ValueOrigin {
  bool is_written = false;  ///< the rule has this key at all
  bool is_own = false;      ///< written in the rule itself, not merged or aliased
  Place place;              ///< of the value's text
  std::string anchor;       ///< the name it comes through: "fc_cfg"; empty when own
  std::vector<int> users;   ///< other rules that read the same text, ascending
};

/// A key and its value as YAML ("256", "null", "[0.001, 0.999]"): see yaml_value().
using RuleEntry = std::pair<std::string, std::string>;

struct NewRule {
  std::string pattern;
  bool leave_alone = false;
  std::vector<RuleEntry> entries;  ///< may be empty: `{}`; the key paradigm is an entry as well
};

/// A key of a rule, found by a place in the text.
struct KeyPlace {
  int rule = -1;  ///< the rule in which it is written; -1: none, or a key at the root
  std::string key;
};

class TransformEditor {
 public:
  explicit TransformEditor(std::string text, const std::string& file = "");

  /// False: the text does not parse, or is of another dialect. An empty text can be edited.
  bool can_edit() const;
  /// Syntax problems of the text (not those of the schemas).
  const std::vector<Problem>& problems() const;
  const std::string& text() const;
  int rule_count() const;
  /// The rule whose text (key, value or a comment that belongs to it) holds this byte, or -1.
  int rule_at(std::size_t offset) const;
  /// The keys of a rule with their values as text, merge keys applied: what can be shown and edited
  /// of a rule whose paradigm is not known. Empty for a rule that is left alone.
  std::vector<RuleEntry> entries_of(int rule) const;
  ValueOrigin origin_of(int rule, const std::string& key) const;
  /// The pair of a rule (or of the root) whose key or value begins at this byte: where problems
  /// are.
  KeyPlace key_at(std::size_t offset) const;

  /// Writes `yaml` (yaml_value(), or a person's own text) as the value of a key, new or not; the
  /// key paradigm included. A rule that is left alone becomes one with this value only.
  EditResult set_value(int rule, const std::string& key, const std::string& yaml,
                       SharedValue shared = SharedValue::override_here) const;
  /// The same for several rules in one edit.
  EditResult set_value(const std::vector<int>& rules, const std::string& key,
                       const std::string& yaml,
                       SharedValue shared = SharedValue::override_here) const;
  /// Removes the key, so that the default, or the merged value below, is in effect.
  EditResult unset_value(int rule, const std::string& key,
                         SharedValue shared = SharedValue::override_here) const;
  EditResult rename_key(int rule, const std::string& key, const std::string& new_key) const;
  /// All values at once: after a change of paradigm, or to fill in a form's defaults.
  EditResult set_entries(int rule, const std::vector<RuleEntry>& entries) const;
  /// Puts `paradigm: id` first, or changes it; keys stay. With set_entries() they change as well.
  EditResult set_paradigm(int rule, const std::string& id) const;

  EditResult set_pattern(int rule, const std::string& pattern) const;
  /// Writes null. To get the values back, keep value_source() from before and give it to restore().
  EditResult leave_alone(int rule) const;
  EditResult restore(int rule, const std::string& value_source) const;
  /// The text of the value as it stands behind the colon, comments included.
  std::string value_source(int rule) const;

  /// The new rule becomes number `before`; rule_count() puts it last.
  EditResult insert_rule(int before, const NewRule& rule) const;
  /// A copy below the rule. A key may not stand twice, so the copy gets the pattern in brackets,
  /// which matches the same: `(?:…)`; a copy of `default` gets `.*` and stands last.
  EditResult duplicate_rule(int rule) const;
  EditResult delete_rules(std::vector<int> rules) const;
  /// The rule becomes number `to`; those between move up or down.
  EditResult move_rule(int from, int to) const;

  EditResult set_use_regex(bool use_regex) const;
  /// The paradigm of the whole file (a key of ours at the root).
  EditResult set_file_paradigm(const std::string& id) const;
  /// Gives a key at the root another name: `layer_name_to_confg`.
  EditResult rename_root_key(const std::string& key, const std::string& new_key) const;
  /// Deletes the `key: value` whose key stands at `offset`: the second one of a duplicate key.
  EditResult delete_pair_at(std::size_t offset) const;

 private:
  friend class EditDraft;
  friend class ValueEdits;
  friend class RuleEdits;
  struct State;
  std::shared_ptr<const State> state_;
};

/// The value as YAML text: shortest digits, a dot before an exponent (1.0e-05), text quoted where
/// it must be.
std::string yaml_value(const ParamValue& value);

/// What a new file starts with: a commented frame whose only rule leaves every layer alone.
std::string empty_transform_text();

}  // namespace engine
