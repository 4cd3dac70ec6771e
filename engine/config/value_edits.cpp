// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/value_edits.h"

#include "engine/config/anchor_moves.h"
#include "engine/config/yaml_values.h"

#include <fmt/format.h>

#include <algorithm>

namespace engine {
namespace {

EditResult merged_rule(int rule) {
  return refused(
      cannot_edit(fmt::format("rule {} is not written here: a merge key brings it in", rule + 1),
                  "Edit it where the anchor is"));
}

bool same_pair(const YamlPair& a, const YamlPair& b) {
  return a.key_offset == b.key_offset && a.value_offset == b.value_offset;
}

Problem no_value(const std::string& yaml) {
  return problem_at("bad-value", {}, yaml,
                    fmt::format("{} is not one YAML value in one line", yaml),
                    "Quote it, or write a number, true, false, null or a list");
}

/// The comment that ends the line, with the space before it.
std::string comment_in(const std::string& line) {
  for (std::size_t mark = line.find('#'); mark != std::string::npos;
       mark = line.find('#', mark + 1)) {
    if (mark > 0 && line[mark - 1] != ' ' && line[mark - 1] != '\t') continue;
    std::size_t begin = mark;
    while (begin > 0 && (line[begin - 1] == ' ' || line[begin - 1] == '\t')) --begin;
    return line.substr(begin);
  }
  return "";
}

}  // namespace

const YamlPair* ValueEdits::own_pair(int rule, const std::string& key) const {
  const YamlPair& pair = state_.rule_pair(rule);
  if (pair.value_offset != pair.value->offset) return nullptr;
  const YamlPair* found = pair.value->find(key);
  return found && !found->is_merged ? found : nullptr;
}

PairLayout ValueEdits::layout_in(const YamlNode& map, const YamlPair& pair) const {
  for (const PairLayout& layout : layout_of(state_.document, map))
    if (same_pair(*layout.pair, pair)) return layout;
  return {};
}

const YamlPair* ValueEdits::written_pair(const YamlNode& node, const YamlNode** map) const {
  for (const YamlNode& each : state_.document.nodes())
    for (const YamlPair& pair : each.written)
      if (pair.value == &node && pair.value_offset == node.offset) {
        *map = &each;
        return &pair;
      }
  return nullptr;
}

ValueOrigin ValueEdits::origin(int rule, const std::string& key) const {
  ValueOrigin origin;
  const YamlPair* resolved = value(rule).find(key);
  if (!resolved) return origin;
  origin.is_written = true;
  const YamlPair* own = own_pair(rule, key);
  origin.is_own = own && own->value_offset == own->value->offset;
  origin.place = state_.document.place(resolved->value->offset);
  if (!origin.is_own) {
    // The alias of the value, of the whole rule, or of the map that is merged.
    const YamlNode* named = own ? own->value : &value(rule);
    if (!own && state_.rule_pair(rule).value_offset == value(rule).offset)
      for (const YamlPair& pair : value(rule).written)
        if (pair.key->is_plain() && pair.key->text == "<<" && pair.value->find(key))
          named = pair.value;
    origin.anchor = named->anchor;
  }
  for (std::size_t r = 0; r < state_.rules.rules.size(); ++r) {
    if (static_cast<int>(r) == rule) continue;
    for (const YamlPair& pair : state_.rules.rules[r]->value->pairs)
      if (pair.value == resolved->value) {
        origin.users.push_back(static_cast<int>(r));
        break;
      }
  }
  return origin;
}

KeyPlace ValueEdits::key_at(std::size_t offset) const {
  const auto is_here = [&](const YamlPair& pair) {
    return pair.key_offset == offset || pair.value_offset == offset;
  };
  for (int rule = 0; rule < editor_.rule_count(); ++rule) {
    if (!state_.layout(rule) || state_.layout(rule)->is_alias) continue;
    for (const YamlPair& pair : value(rule).written)
      if (is_here(pair)) return {rule, pair.key->text};
  }
  for (const YamlPair& pair : state_.document.root()->written)
    if (is_here(pair) && &pair != state_.rules.header) return {-1, pair.key->text};
  return {};
}

EditResult ValueEdits::set(int rule, const std::string& key, const std::string& yaml,
                           SharedValue shared) const {
  const std::string meaning =
      yaml.find('\n') == std::string::npos ? meaning_of_value(yaml) : std::string();
  if (meaning.empty()) return refused(no_value(yaml));
  const YamlPair* resolved = value(rule).find(key);
  if (resolved && meaning_of(*resolved->value) == meaning &&
      (shared == SharedValue::change_for_all || own_pair(rule, key)))
    return {{fmt::format("Set {} to {} on rule {}", key, yaml, rule + 1), {}}, {}};
  return shared == SharedValue::override_here ? set_here(rule, key, yaml, meaning, true)
                                              : set_everywhere(rule, key, yaml, meaning);
}

EditResult ValueEdits::set_here(int rule, const std::string& key, const std::string& yaml,
                                const std::string& meaning, bool may_pin) const {
  const PairLayout* layout = state_.layout(rule);
  if (!layout) return merged_rule(rule);
  const std::string title = fmt::format("Set {} to {} on rule {}", key, yaml, rule + 1);
  const std::string pair_text = yaml_text(key) + ": " + yaml;
  const YamlNode& map = value(rule);
  EditDraft draft(editor_);
  RuleMeaning& intended = draft.intended.rules[static_cast<std::size_t>(rule)];
  intended.whole.clear();
  intended.values[key] = meaning;
  if (layout->is_alias && map.is_map()) {
    draft.replace(layout->value_begin, layout->value_end,
                  fmt::format("{{<<: *{}, {}}}", map.anchor, pair_text));
  } else if (map.is_null()) {
    draft.replace(layout->value_begin, layout->value_end,
                  (layout->value_begin == layout->colon_end ? " {" : "{") + pair_text + "}");
  } else if (!map.is_map()) {
    return refused(cannot_edit(fmt::format("the value of rule {} is no map", rule + 1)));
  } else if (const YamlPair* own = own_pair(rule, key)) {
    const PairLayout place = layout_in(map, *own);
    const bool is_empty = place.value_begin == place.colon_end;
    draft.replace(place.is_alias ? place.value_begin : content_begin(text_, place.value_begin),
                  place.value_end, (is_empty ? (place.has_colon ? " " : ": ") : "") + yaml);
  } else {
    insert_pair(draft, map, layout->value_begin, pair_text, key == "paradigm");
  }
  const EditResult result = draft.finish(title);
  if (result.ok() || !may_pin) return result;
  return after_pinning(draft, rule, title, [&](const TransformEditor& editor) {
    return ValueEdits(editor).set_here(rule, key, yaml, meaning, false);
  });
}

EditResult ValueEdits::after_pinning(
    const EditDraft& draft, int rule, const std::string& title,
    const std::function<EditResult(const TransformEditor&)>& edit) const {
  const std::optional<TransformMeaning> after = draft.outcome();
  if (!after || after->rules.size() != state_.meaning.rules.size()) return draft.finish(title);
  std::vector<std::function<EditResult(const TransformEditor&)>> steps;
  bool is_new_to_others = false;
  for (std::size_t r = 0; r < after->rules.size(); ++r) {
    const auto& before = state_.meaning.rules[r].values;
    for (const auto& [key, meaning] : after->rules[r].values)
      is_new_to_others |= static_cast<int>(r) != rule && !before.count(key);
    for (const auto& [key, meaning] : before) {
      const auto now = after->rules[r].values.find(key);
      const auto wanted = draft.intended.rules[r].values.find(key);
      const bool is_wanted = wanted != draft.intended.rules[r].values.end() &&
                             now != after->rules[r].values.end() && now->second == wanted->second;
      if (is_wanted || wanted == draft.intended.rules[r].values.end()) continue;
      const YamlPair* pair = state_.rules.rules[r]->value->find(key);
      const std::string kept = flow_text(state_.document, *pair->value);
      const int other = static_cast<int>(r);
      steps.push_back([other, key = key, kept, meaning = meaning](const TransformEditor& editor) {
        return ValueEdits(editor).set_here(other, key, kept, meaning, false);
      });
    }
  }
  if (is_new_to_others)
    steps.push_back([rule](const TransformEditor& editor) {
      EditDraft detached(editor);
      const ValueEdits edits(editor);
      detached.add(detach_patches(edits.state_.document, edits.value(rule)));
      return detached.finish("");
    });
  if (steps.empty()) return draft.finish(title);
  steps.push_back(edit);
  return in_sequence(editor_, title, steps);
}

EditResult ValueEdits::set_everywhere(int rule, const std::string& key, const std::string& yaml,
                                      const std::string& meaning) const {
  const YamlPair* resolved = value(rule).find(key);
  const std::string title =
      fmt::format("Set {} to {} wherever rule {} has it from", key, yaml, rule + 1);
  EditDraft draft(editor_);
  if (resolved) {
    const YamlNode* map = nullptr;
    const YamlPair* written = written_pair(*resolved->value, &map);
    if (!written) return set_here(rule, key, yaml, meaning, true);
    const PairLayout place = layout_in(*map, *written);
    const bool is_empty = place.value_begin == place.colon_end;
    draft.replace(content_begin(text_, place.value_begin), place.value_end,
                  (is_empty ? (place.has_colon ? " " : ": ") : "") + yaml);
  } else {
    const YamlNode& map = value(rule);
    if (!map.is_map()) return set_here(rule, key, yaml, meaning, true);
    insert_pair(draft, map, map.offset, yaml_text(key) + ": " + yaml, key == "paradigm");
  }
  return draft.finish(title, [&](const TransformMeaning& before, const TransformMeaning& after) {
    if (before.header != after.header || before.rules.size() != after.rules.size()) return false;
    for (std::size_t r = 0; r < before.rules.size(); ++r) {
      RuleMeaning expected = before.rules[r];
      for (const auto& [name, now] : after.rules[r].values)
        if (now == meaning) expected.values[name] = meaning;
      if (!(expected == after.rules[r])) return false;
    }
    const auto& changed = after.rules[static_cast<std::size_t>(rule)].values;
    return changed.count(key) > 0 && changed.at(key) == meaning;
  });
}

EditResult ValueEdits::unset(int rule, const std::string& key, SharedValue shared) const {
  const std::string title = fmt::format("Reset {} on rule {}", key, rule + 1);
  const YamlPair* resolved = value(rule).find(key);
  if (!resolved) return {{title, {}}, {}};
  const bool everywhere = shared == SharedValue::change_for_all;
  const YamlPair* pair = own_pair(rule, key);
  const YamlNode* map = &value(rule);
  std::size_t map_offset = map->offset;
  if (!pair) {
    if (!everywhere)
      return refused(cannot_edit(
          fmt::format("{} of rule {} comes from an anchor (line {}), which a rule cannot take back",
                      key, rule + 1, state_.document.place(resolved->value->offset).line),
          "Write another value here, or remove it for all rules that share it"));
    map = nullptr;
    for (const YamlNode& each : state_.document.nodes())
      for (const YamlPair& written : each.written)
        if (same_pair(written, *resolved)) {
          map = &each;
          pair = &written;
        }
    if (!map) return refused(cannot_edit(fmt::format("{} is not found in the text", key)));
    map_offset = map->offset;
  } else if (!state_.layout(rule)) {
    return merged_rule(rule);
  }
  EditDraft draft(editor_);
  remove_pair(draft, *map, *pair, map_offset);
  const std::optional<TransformMeaning> after = draft.outcome();
  if (!after || after->rules.size() != draft.intended.rules.size()) return draft.finish(title);
  const auto take_outcome = [&](std::size_t r) {
    auto& values = draft.intended.rules[r].values;
    const auto below = after->rules[r].values.find(key);
    if (below == after->rules[r].values.end())
      values.erase(key);
    else
      values[key] = below->second;
  };
  if (everywhere)
    for (std::size_t r = 0; r < draft.intended.rules.size(); ++r) take_outcome(r);
  else
    take_outcome(static_cast<std::size_t>(rule));
  const EditResult result = draft.finish(title);
  if (result.ok() || everywhere) return result;
  return after_pinning(draft, rule, title, [&](const TransformEditor& editor) {
    const ValueEdits edits(editor);
    EditDraft again(editor);
    if (const YamlPair* own = edits.own_pair(rule, key))
      edits.remove_pair(again, edits.value(rule), *own, edits.value(rule).offset);
    again.intended.rules[static_cast<std::size_t>(rule)] =
        draft.intended.rules[static_cast<std::size_t>(rule)];
    return again.finish(title);
  });
}

EditResult ValueEdits::rename(int rule, const std::string& key, const std::string& new_key) const {
  const YamlPair* resolved = value(rule).find(key);
  const std::string title = fmt::format("Rename {} to {} on rule {}", key, new_key, rule + 1);
  if (!resolved)
    return refused(cannot_edit(fmt::format("rule {} has no key {}", rule + 1, key), ""));
  if (value(rule).find(new_key))
    return refused(cannot_edit(fmt::format("rule {} has the key {} already", rule + 1, new_key),
                               fmt::format("Delete {}", key)));
  const YamlNode* map = nullptr;
  for (const YamlNode& each : state_.document.nodes())
    for (const YamlPair& written : each.written)
      if (same_pair(written, *resolved)) map = &each;
  if (!map) return refused(cannot_edit(fmt::format("{} is not found in the text", key)));
  const PairLayout place = layout_in(*map, *resolved);
  EditDraft draft(editor_);
  draft.replace(content_begin(text_, place.key_begin), place.key_end,
                key_text(new_key, text_[content_begin(text_, place.key_begin)]));
  return draft.finish(title, [&](const TransformMeaning& before, const TransformMeaning& after) {
    TransformMeaning expected = before;
    for (std::size_t r = 0; r < expected.rules.size() && r < after.rules.size(); ++r) {
      auto entry = expected.rules[r].values.extract(key);
      if (entry.empty()) continue;
      if (after.rules[r].values.count(key)) {
        expected.rules[r].values.insert(std::move(entry));  // shares the name, not the text
        continue;
      }
      entry.key() = new_key;
      expected.rules[r].values.insert(std::move(entry));
    }
    return expected == after &&
           after.rules[static_cast<std::size_t>(rule)].values.count(new_key) > 0;
  });
}

EditResult ValueEdits::set_paradigm(int rule, const std::string& id) const {
  EditResult result = set(rule, "paradigm", yaml_text(id), SharedValue::override_here);
  result.edit.title = fmt::format("Set paradigm {} on rule {}", id, rule + 1);
  return result;
}

void ValueEdits::insert_pair(EditDraft& draft, const YamlNode& map, std::size_t value_offset,
                             const std::string& pair, bool first) const {
  const std::vector<PairLayout> layouts = layout_of(state_.document, map);
  if (map.is_flow) {
    const std::size_t brace = text_.find('{', content_begin(text_, value_offset));
    if (layouts.empty())
      draft.insert(brace + 1, pair);
    else if (first)
      draft.insert(layouts.front().begin, pair + ", ");
    else
      draft.insert(layouts.back().value_end, ", " + pair);
    return;
  }
  const std::string indent(static_cast<std::size_t>(column_of(text_, layouts.front().begin)), ' ');
  if (first)
    draft.insert(layouts.front().begin, pair + state_.line_break + indent);
  else
    draft.insert(line_end(text_, layouts.back().value_end), state_.line_break + indent + pair);
}

void ValueEdits::remove_pair(EditDraft& draft, const YamlNode& map, const YamlPair& pair,
                             std::size_t map_value_offset) const {
  const std::vector<PairLayout> layouts = layout_of(state_.document, map);
  std::size_t i = 0;
  while (i < layouts.size() && !same_pair(*layouts[i].pair, pair)) ++i;
  if (i == layouts.size()) return;
  const PairLayout& gone = layouts[i];
  std::size_t begin = gone.begin;
  std::size_t end = gone.value_end;
  std::string instead;
  const bool has_next = i + 1 < layouts.size();
  if (map.is_flow) {
    if (has_next)
      end = layouts[i + 1].begin;
    else if (i > 0)
      begin = layouts[i - 1].value_end;
  } else if (layouts.size() == 1) {
    // The map must not end up as nothing, which reads as null.
    const YamlNode* around = nullptr;
    const YamlPair* owner = written_pair(map, &around);
    if (!owner) return;
    const PairLayout place = layout_in(*around, *owner);
    std::size_t head_end = map_value_offset == begin ? place.colon_end : place.value_begin;
    while (head_end < begin && text_[head_end] != ' ' && text_[head_end] != '\n' &&
           text_[head_end] != '\r')
      ++head_end;
    if (begins_line(text_, begin)) {
      draft.insert(head_end, " {}");
      begin = line_end(text_, line_begin(text_, begin) - 1);
      end = line_end(text_, end);
    } else {
      instead = "{}";
    }
  } else if (begins_line(text_, begin)) {
    begin = line_begin(text_, begin);
    end = next_line(text_, end);
    if (end == text_.size() && text_[end - 1] != '\n') begin = line_end(text_, begin - 1);
  } else if (has_next) {
    end = layouts[i + 1].begin;
  }
  draft.replace(begin, end, instead);
  keep_anchors(draft, begin, end);
}

void ValueEdits::keep_anchors(EditDraft& draft, std::size_t begin, std::size_t end) const {
  draft.add(anchor_patches(state_.document, [begin, end](std::size_t offset) -> NewPosition {
    if (offset >= begin && offset < end) return std::nullopt;
    return std::pair(offset, std::size_t{0});
  }));
}

std::pair<std::size_t, std::size_t> ValueEdits::source_range(const PairLayout& layout) const {
  const std::size_t end = layout.is_block ? line_end(text_, layout.value_end) : layout.value_end;
  return {layout.colon_end, end};
}

std::string ValueEdits::source(int rule) const {
  const PairLayout* layout = state_.layout(rule);
  if (!layout) return "";
  const auto [begin, end] = source_range(*layout);
  return text_.substr(begin, end - begin);
}

void ValueEdits::replace_value(EditDraft& draft, const PairLayout& layout,
                               const std::string& text) const {
  auto [begin, end] = source_range(layout);
  const bool had_lines = line_end(text_, begin) < end;
  const bool gets_lines = text.find('\n') != std::string::npos;
  std::string comment;
  if (had_lines && layout.is_block) {
    comment = comment_in(text_.substr(begin, line_end(text_, begin) - begin));
  } else if (gets_lines) {
    comment = comment_in(text_.substr(end, line_end(text_, end) - end));
    if (!comment.empty()) end = line_end(text_, end);
  }
  std::string head = text.substr(0, line_end(text, 0));
  if (gets_lines && !comment.empty()) head.resize(head.size() - comment_in(head).size());
  draft.replace(begin, end,
                (layout.has_colon ? "" : ":") + head + comment + text.substr(line_end(text, 0)));
  keep_anchors(draft, begin, end);
}

EditResult ValueEdits::leave_alone(int rule) const {
  const std::string title = fmt::format("Leave alone what rule {} matches", rule + 1);
  const PairLayout* layout = state_.layout(rule);
  if (!layout) return merged_rule(rule);
  if (value(rule).is_null()) return {{title, {}}, {}};
  EditDraft draft(editor_);
  replace_value(draft, *layout, " null");
  RuleMeaning& intended = draft.intended.rules[static_cast<std::size_t>(rule)];
  intended.whole = "null";
  intended.values.clear();
  return draft.finish(title);
}

EditResult ValueEdits::restore(int rule, const std::string& source) const {
  const std::string title = fmt::format("Restore the values of rule {}", rule + 1);
  const PairLayout* layout = state_.layout(rule);
  if (!layout) return merged_rule(rule);
  EditDraft draft(editor_);
  replace_value(draft, *layout, source);
  const auto r = static_cast<std::size_t>(rule);
  return draft.finish(title, [r](const TransformMeaning& before, const TransformMeaning& after) {
    if (after.rules.size() != before.rules.size() || !after.rules[r].whole.empty()) return false;
    TransformMeaning expected = before;
    expected.rules[r] = after.rules[r];
    return expected == after && after.rules[r].pattern == before.rules[r].pattern;
  });
}

EditResult ValueEdits::set_entries(int rule, const std::vector<RuleEntry>& entries) const {
  const std::string title = fmt::format("Set the values of rule {}", rule + 1);
  const PairLayout* layout = state_.layout(rule);
  if (!layout) return merged_rule(rule);
  EditDraft draft(editor_);
  RuleMeaning& intended = draft.intended.rules[static_cast<std::size_t>(rule)];
  intended.whole.clear();
  intended.values.clear();
  for (const auto& [key, yaml] : entries) {
    intended.values[key] = yaml.find('\n') == std::string::npos ? meaning_of_value(yaml) : "";
    if (intended.values[key].empty()) return refused(no_value(yaml));
  }
  const int indent = state_.value_indent(column_of(text_, layout->begin));
  replace_value(draft, *layout, entries_text(entries, state_.is_flow(), indent, state_.line_break));
  return draft.finish(title);
}

EditResult ValueEdits::delete_pair_at(std::size_t offset) const {
  for (const YamlNode& map : state_.document.nodes())
    for (const YamlPair& pair : map.written) {
      if (pair.key_offset != offset) continue;
      EditDraft draft(editor_);
      remove_pair(draft, map, pair, map.offset);
      const bool is_second =
          std::none_of(map.pairs.begin(), map.pairs.end(),
                       [&](const YamlPair& each) { return each.key_offset == offset; });
      const std::string title =
          fmt::format("Delete {} in line {}", pair.key->text, state_.document.place(offset).line);
      if (is_second) return draft.finish(title);
    }
  return refused(cannot_edit("no key that is written twice stands at this place", ""));
}

}  // namespace engine
