// SPDX-License-Identifier: GPL-3.0-or-later
// Inside of transform_editor: the parsed text, and an edit in the making.
#pragma once

#include "engine/config/transform_editor.h"
#include "engine/config/transform_meaning.h"
#include "engine/config/yaml_layout.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace engine {

struct TransformEditor::State {
  State(std::string text, const std::string& file);

  std::vector<Problem> problems;
  YamlDocument document;
  RuleMap rules;
  TransformMeaning meaning;
  std::vector<PairLayout> layouts;  ///< of the map of rules as written
  std::string line_break;

  const std::string& text() const { return document.text(); }
  bool has_rule(int rule) const {
    return rule >= 0 && static_cast<std::size_t>(rule) < rules.rules.size();
  }
  const YamlPair& rule_pair(int rule) const { return *rules.rules[static_cast<std::size_t>(rule)]; }
  /// Null for a rule that a merge key brings in.
  const PairLayout* layout(int rule) const;
  bool is_flow() const { return rules.map && rules.map->is_flow; }
  /// Spaces before the keys of a rule's values, by the example of the others.
  int value_indent(int rule_indent) const;
};

Problem cannot_edit(std::string message, std::string remedy = "Edit the YAML text");
EditResult refused(Problem problem);

/// Patches in offsets of the unchanged text, and what the result has to say.
class EditDraft {
 public:
  using Check = std::function<bool(const TransformMeaning& before, const TransformMeaning& after)>;

  explicit EditDraft(const TransformEditor& editor)
      : editor_(editor), state_(*editor.state_), intended(state_.meaning) {}

  void replace(std::size_t begin, std::size_t end, std::string text);
  void insert(std::size_t at, std::string text) { replace(at, at, std::move(text)); }
  void add(const std::vector<TextPatch>& patches);

  /// Puts the patches in order; refuses when the new text does not parse or says something else
  /// than `intended` (or than `check` accepts).
  EditResult finish(std::string title) const;
  EditResult finish(std::string title, const Check& check) const;
  /// What the text says after the patches; nothing when it does not parse.
  std::optional<TransformMeaning> outcome() const;
  TextEdit edit(std::string title) const;

 private:
  const TransformEditor& editor_;
  const TransformEditor::State& state_;
  std::vector<TextPatch> patches_;

 public:
  TransformMeaning intended;
};

/// One step after another, each on the text that the one before left; refused when one is.
EditResult in_sequence(const TransformEditor& editor, std::string title,
                       const std::vector<std::function<EditResult(const TransformEditor&)>>& steps);

/// What stands behind a rule's colon for these values: ` {}`, ` {q_levels: 256}` or lines.
std::string entries_text(const std::vector<RuleEntry>& entries, bool in_flow, int indent,
                         const std::string& line_break);

/// A pattern or key as YAML in the style of `like` (its first byte: a quote or not), single-quoted
/// where that is needed.
std::string key_text(const std::string& key, char like);
/// YAML readers take a key in one line only up to this many bytes; longer ones need `? key`.
constexpr std::size_t longest_plain_key = 1000;

}  // namespace engine
