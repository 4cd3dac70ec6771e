// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/edit_draft.h"

#include "engine/config/yaml_values.h"

#include <algorithm>

namespace engine {

TransformEditor::State::State(std::string text, const std::string& file)
    : document(std::move(text), file, problems),
      rules(find_rules(document)),
      line_break(line_break_of(document.text())) {
  if (!rules.is_editable) return;
  meaning = meaning_of(rules, *document.root());
  if (rules.map) layouts = layout_of(document, *rules.map);
}

const PairLayout* TransformEditor::State::layout(int rule) const {
  const YamlPair& pair = rule_pair(rule);
  if (pair.is_merged) return nullptr;
  for (const PairLayout& layout : layouts)
    if (layout.key_begin == pair.key_offset) return &layout;
  return nullptr;
}

int TransformEditor::State::value_indent(int rule_indent) const {
  for (const PairLayout& layout : layouts)
    if (layout.is_block && layout.pair->value->is_map() && !layout.pair->value->written.empty())
      return rule_indent +
             std::max(1, column_of(text(), layout.pair->value->written[0].key_offset) -
                             column_of(text(), layout.begin));
  return rule_indent + 2;
}

Problem cannot_edit(std::string message, std::string remedy) {
  return problem_at("cannot-edit", {}, "", std::move(message), std::move(remedy));
}

EditResult refused(Problem problem) { return {{}, {std::move(problem)}}; }

void EditDraft::replace(std::size_t begin, std::size_t end, std::string text) {
  if (begin == end && text.empty()) return;
  patches_.push_back({begin, end - begin, std::move(text)});
}

void EditDraft::add(const std::vector<TextPatch>& patches) {
  patches_.insert(patches_.end(), patches.begin(), patches.end());
}

TextEdit EditDraft::edit(std::string title) const {
  TextEdit edit{std::move(title), patches_};
  // From the end to the start, so that no patch moves the place of a later one. At one place: first
  // what is removed, then what is inserted, the last one first.
  std::reverse(edit.patches.begin(), edit.patches.end());
  std::stable_sort(edit.patches.begin(), edit.patches.end(),
                   [](const TextPatch& a, const TextPatch& b) {
                     return a.offset != b.offset ? a.offset > b.offset : a.length > b.length;
                   });
  return edit;
}

std::optional<TransformMeaning> EditDraft::outcome() const {
  for (const TextPatch& patch : patches_)
    for (const TextPatch& other : patches_)
      if (&patch != &other && other.offset > patch.offset &&
          other.offset < patch.offset + patch.length)
        return std::nullopt;
  const TransformEditor edited(apply_edit(state_.text(), edit("")), state_.document.file());
  if (!edited.can_edit() || edited.problems().size() > state_.problems.size()) return std::nullopt;
  return edited.state_->meaning;
}

EditResult EditDraft::finish(std::string title) const {
  return finish(std::move(title), [this](const TransformMeaning&, const TransformMeaning& after) {
    return after == intended;
  });
}

EditResult EditDraft::finish(std::string title, const Check& check) const {
  if (patches_.empty()) return {{std::move(title), {}}, {}};
  const std::optional<TransformMeaning> after = outcome();
  if (!after || !check(state_.meaning, *after))
    return refused(
        cannot_edit("the text around it is written in a way in which this change would "
                    "also change something else"));
  return {edit(std::move(title)), {}};
}

EditResult in_sequence(
    const TransformEditor& editor, std::string title,
    const std::vector<std::function<EditResult(const TransformEditor&)>>& steps) {
  EditResult all{{std::move(title), {}}, {}};
  TransformEditor current = editor;
  for (const auto& step : steps) {
    EditResult result = step(current);
    if (!result.ok()) return {{}, std::move(result.refusals)};
    if (result.edit.empty()) continue;
    current = TransformEditor(apply_edit(current.text(), result.edit));
    for (TextPatch& patch : result.edit.patches) all.edit.patches.push_back(std::move(patch));
  }
  return all;
}

std::string entries_text(const std::vector<RuleEntry>& entries, bool in_flow, int indent,
                         const std::string& line_break) {
  if (entries.empty()) return " {}";
  const std::string separator =
      in_flow ? ", " : line_break + std::string(static_cast<std::size_t>(indent), ' ');
  std::string text = in_flow ? " {" : separator;
  for (const auto& [key, yaml] : entries)
    text += (&key == &entries[0].first ? "" : separator) + yaml_text(key) + ": " + yaml;
  return in_flow ? text + "}" : text;
}

std::string key_text(const std::string& key, char like) {
  const bool has_control = std::any_of(key.begin(), key.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
  const std::string safe = yaml_text(key);
  if (safe == key && like != '\'' && like != '"') return key;
  if (has_control) return safe;
  if (like == '"') {
    if (safe[0] == '"') return safe;
    return '"' + safe + '"';
  }
  std::string quoted = "'";
  for (char c : key) quoted += c == '\'' ? "''" : std::string(1, c);
  return quoted + "'";
}

}  // namespace engine
