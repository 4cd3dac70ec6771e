// SPDX-License-Identifier: GPL-3.0-or-later
// Inside of transform_editor: edits within one rule's value.
#pragma once

#include "engine/config/edit_draft.h"

#include <string>
#include <utility>
#include <vector>

namespace engine {

class ValueEdits {
 public:
  explicit ValueEdits(const TransformEditor& editor)
      : editor_(editor), state_(*editor.state_), text_(state_.text()) {}

  ValueOrigin origin(int rule, const std::string& key) const;
  KeyPlace key_at(std::size_t offset) const;
  EditResult set(int rule, const std::string& key, const std::string& yaml,
                 SharedValue shared) const;
  EditResult unset(int rule, const std::string& key, SharedValue shared) const;
  EditResult rename(int rule, const std::string& key, const std::string& new_key) const;
  EditResult set_entries(int rule, const std::vector<RuleEntry>& entries) const;
  EditResult set_paradigm(int rule, const std::string& id) const;
  EditResult leave_alone(int rule) const;
  EditResult restore(int rule, const std::string& source) const;
  std::string source(int rule) const;
  EditResult delete_pair_at(std::size_t offset) const;

 private:
  using RuleKey = std::pair<int, std::string>;

  const YamlNode& value(int rule) const { return *state_.rule_pair(rule).value; }
  /// The rule's own pair of this key, when its map is written in the rule.
  const YamlPair* own_pair(int rule, const std::string& key) const;
  PairLayout layout_in(const YamlNode& map, const YamlPair& pair) const;
  /// The map in which a node's text stands as a value, or null.
  const YamlPair* written_pair(const YamlNode& node, const YamlNode** map) const;

  EditResult set_here(int rule, const std::string& key, const std::string& yaml,
                      const std::string& meaning, bool may_pin) const;
  EditResult set_everywhere(int rule, const std::string& key, const std::string& yaml,
                            const std::string& meaning) const;
  /// The edit again after those whom it would have changed as well were given values of their own.
  EditResult after_pinning(const EditDraft& draft, int rule, const std::string& title,
                           const std::function<EditResult(const TransformEditor&)>& edit) const;
  void insert_pair(EditDraft& draft, const YamlNode& map, std::size_t value_offset,
                   const std::string& pair, bool first) const;
  void remove_pair(EditDraft& draft, const YamlNode& map, const YamlPair& pair,
                   std::size_t map_value_offset) const;
  /// Puts `text` behind the colon; a comment on the pattern's line stays on it.
  void replace_value(EditDraft& draft, const PairLayout& layout, const std::string& text) const;
  void keep_anchors(EditDraft& draft, std::size_t begin, std::size_t end) const;
  /// What of a rule's line and the lines below is its value: behind the colon, comments included.
  std::pair<std::size_t, std::size_t> source_range(const PairLayout& layout) const;

  const TransformEditor& editor_;
  const TransformEditor::State& state_;
  const std::string& text_;
};

}  // namespace engine
