// SPDX-License-Identifier: GPL-3.0-or-later
// Inside of transform_editor: edits of the list of rules.
#pragma once

#include "engine/config/edit_draft.h"

#include <string>
#include <vector>

namespace engine {

class RuleEdits {
 public:
  explicit RuleEdits(const TransformEditor& editor)
      : editor_(editor), state_(*editor.state_), text_(state_.text()) {}

  int rule_at(std::size_t offset) const;
  EditResult set_pattern(int rule, const std::string& pattern) const;
  EditResult insert(int before, const NewRule& rule) const;
  EditResult duplicate(int rule) const;
  EditResult remove(int rule) const;
  EditResult move(int from, int to) const;
  EditResult set_header(const std::string& key, const std::string& yaml) const;
  EditResult rename_root_key(const std::string& key, const std::string& new_key) const;

 private:
  /// The text that belongs to a rule. Block style: whole lines, with the comments right above and
  /// the deeper ones below; flow style: the pair.
  struct Block {
    std::size_t begin = 0;
    std::size_t end = 0;
  };

  std::vector<Block> blocks() const;  ///< one per written pair, in the order of the text
  std::size_t position(
      int rule) const;  ///< index of the rule among the written pairs; npos: merged
  /// What goes when the block goes: it and the separation from its neighbours.
  Block removed_range(const std::vector<Block>& blocks, std::size_t i) const;
  std::size_t blank_lines_after(std::size_t offset) const;
  std::size_t blank_lines_before(std::size_t offset) const;
  bool separates_by_blank_lines(const std::vector<Block>& blocks) const;
  bool has_pattern(const std::string& pattern) const;
  /// Puts the text of a rule (block style: lines that end in a line break) before or behind the
  /// block `i`.
  void insert_before(EditDraft& draft, const Block& block, const std::string& rule,
                     const std::string& gap) const;
  void insert_behind(EditDraft& draft, const Block& block, const std::string& rule,
                     const std::string& gap) const;
  std::string rule_text(const NewRule& rule, int indent) const;
  void insert_first(EditDraft& draft, const NewRule& rule) const;
  void remove_all(EditDraft& draft, const std::vector<Block>& blocks) const;
  RuleMeaning meaning_of_rule(const NewRule& rule) const;

  const TransformEditor& editor_;
  const TransformEditor::State& state_;
  const std::string& text_;
};

}  // namespace engine
