// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/rule_edits.h"

#include "engine/config/anchor_moves.h"
#include "engine/config/yaml_values.h"

#include <fmt/format.h>

#include <algorithm>

namespace engine {
namespace {

bool is_blank_line(const std::string& text, std::size_t begin) {
  const std::size_t content = text.find_first_not_of(" \t", begin);
  return content == std::string::npos || content >= line_end(text, begin);
}

/// Column of the `#` of a line that is a comment and nothing else, or -1.
int comment_column(const std::string& text, std::size_t begin) {
  const std::size_t content = text.find_first_not_of(' ', begin);
  return content != std::string::npos && text[content] == '#' ? static_cast<int>(content - begin)
                                                              : -1;
}

EditResult pattern_exists(const std::string& pattern) {
  return refused(problem_at("duplicate-key", {}, pattern,
                            fmt::format("there is a rule with the pattern {} already", pattern),
                            "Change that one, or write the pattern in another way"));
}

std::string with_break(std::string lines, const std::string& line_break) {
  if (lines.empty() || lines.back() != '\n') lines += line_break;
  return lines;
}

std::string without_last_break(std::string lines) {
  if (!lines.empty() && lines.back() == '\n') lines.pop_back();
  if (!lines.empty() && lines.back() == '\r') lines.pop_back();
  return lines;
}

std::string apply_within(const std::string& text, std::size_t begin, std::size_t end,
                         std::vector<TextPatch> patches) {
  std::string part = text.substr(begin, end - begin);
  std::sort(patches.begin(), patches.end(),
            [](const TextPatch& a, const TextPatch& b) { return a.offset > b.offset; });
  for (const TextPatch& patch : patches)
    if (patch.offset >= begin && patch.offset + patch.length <= end)
      part.replace(patch.offset - begin, patch.length, patch.text);
  return part;
}

bool is_within(const TextPatch& patch, std::size_t begin, std::size_t end) {
  return patch.offset >= begin && patch.offset + patch.length <= end;
}

}  // namespace

std::size_t RuleEdits::position(int rule) const {
  const PairLayout* layout = state_.layout(rule);
  return layout ? static_cast<std::size_t>(layout - state_.layouts.data()) : std::string::npos;
}

std::vector<RuleEdits::Block> RuleEdits::blocks() const {
  std::vector<Block> blocks;
  for (const PairLayout& layout : state_.layouts) {
    Block block{layout.begin, layout.value_end};
    if (!state_.is_flow()) {
      const int column = column_of(text_, layout.begin);
      const std::size_t before = blocks.empty() ? 0 : blocks.back().end;
      block.begin = line_begin(text_, layout.begin);
      // Comments right above belong to the rule, but those that begin the file to the file.
      std::size_t first = block.begin;
      while (first > before) {
        const std::size_t above = line_begin(text_, first - 1);
        if (above < before || above >= first || comment_column(text_, above) < 0) break;
        first = above;
      }
      if (first > line_begin(text_, 0)) block.begin = first;
      block.end = next_line(text_, layout.value_end);
      for (std::size_t line = block.end; line < text_.size(); line = next_line(text_, line)) {
        if (comment_column(text_, line) > column)
          block.end = next_line(text_, line);
        else if (!is_blank_line(text_, line))
          break;
      }
    }
    blocks.push_back(block);
  }
  return blocks;
}

int RuleEdits::rule_at(std::size_t offset) const {
  const std::vector<Block> all = blocks();
  for (int r = 0; r < editor_.rule_count(); ++r) {
    const std::size_t i = position(r);
    if (i != std::string::npos && offset >= all[i].begin && offset < all[i].end) return r;
  }
  return -1;
}

bool RuleEdits::has_pattern(const std::string& pattern) const {
  return std::any_of(state_.meaning.rules.begin(), state_.meaning.rules.end(),
                     [&](const RuleMeaning& rule) { return rule.pattern == pattern; });
}

EditResult RuleEdits::set_pattern(int rule, const std::string& pattern) const {
  const std::string title = fmt::format("Set the pattern of rule {} to {}", rule + 1, pattern);
  const PairLayout* layout = state_.layout(rule);
  if (!layout) return refused(cannot_edit("the rule comes from a merge key"));
  if (layout->pair->key->text == pattern) return {{title, {}}, {}};
  if (has_pattern(pattern)) return pattern_exists(pattern);
  EditDraft draft(editor_);
  const std::size_t begin = layout->pair->key_offset == layout->pair->key->offset
                                ? content_begin(text_, layout->key_begin)
                                : layout->key_begin;
  const std::string key = key_text(pattern, text_[begin]);
  if (key.size() <= longest_plain_key || layout->is_explicit) {
    draft.replace(begin, layout->key_end, key);
  } else {
    const std::string indent(static_cast<std::size_t>(column_of(text_, layout->begin)), ' ');
    draft.replace(layout->begin, layout->colon_end,
                  "? " + key + (state_.is_flow() ? " :" : state_.line_break + indent + ":"));
  }
  draft.intended.rules[static_cast<std::size_t>(rule)].pattern = pattern;
  return draft.finish(title);
}

std::size_t RuleEdits::blank_lines_after(std::size_t offset) const {
  while (offset < text_.size() && is_blank_line(text_, offset)) offset = next_line(text_, offset);
  return offset;
}

std::size_t RuleEdits::blank_lines_before(std::size_t offset) const {
  while (offset > line_begin(text_, 0)) {
    const std::size_t above = line_begin(text_, offset - 1);
    if (!is_blank_line(text_, above)) break;
    offset = above;
  }
  return offset;
}

bool RuleEdits::separates_by_blank_lines(const std::vector<Block>& all) const {
  std::size_t separated = 0;
  for (std::size_t i = 1; i < all.size(); ++i)
    if (is_blank_line(text_, all[i - 1].end)) ++separated;
  return all.size() > 1 && 2 * separated >= all.size() - 1;
}

RuleEdits::Block RuleEdits::removed_range(const std::vector<Block>& all, std::size_t i) const {
  const bool is_last = i + 1 == all.size();
  if (state_.is_flow()) {
    if (!is_last) return {all[i].begin, all[i + 1].begin};
    return {i > 0 ? all[i - 1].end : all[i].begin, all[i].end};
  }
  if (!is_last) return {all[i].begin, blank_lines_after(all[i].end)};
  std::size_t begin = blank_lines_before(all[i].begin);
  // A file without a last line break keeps being one.
  if (begin > 0 && all[i].end == text_.size() && text_.back() != '\n') {
    --begin;
    if (begin > 0 && text_[begin - 1] == '\r') --begin;
  }
  return {begin, all[i].end};
}

EditResult RuleEdits::remove(int rule) const {
  const std::string title = fmt::format("Delete rule {}", rule + 1);
  const std::size_t i = position(rule);
  if (i == std::string::npos) return refused(cannot_edit("the rule comes from a merge key"));
  const std::vector<Block> all = blocks();
  EditDraft draft(editor_);
  if (all.size() == 1) {
    remove_all(draft, all);
  } else {
    const Block range = removed_range(all, i);
    draft.replace(range.begin, range.end, "");
    draft.add(anchor_patches(state_.document, [&](std::size_t offset) -> NewPosition {
      if (offset >= range.begin && offset < range.end) return std::nullopt;
      return std::pair(offset, std::size_t{0});
    }));
  }
  draft.intended.rules.erase(draft.intended.rules.begin() + rule);
  return draft.finish(title);
}

void RuleEdits::remove_all(EditDraft& draft, const std::vector<Block>& all) const {
  if (state_.is_flow()) {
    draft.replace(all[0].begin, all[0].end, "");
  } else if (!state_.rules.header) {
    draft.replace(all[0].begin, all[0].end, "layer_name_to_config: {}" + state_.line_break);
  } else {
    const std::size_t colon =
        text_.find(':', value_end(state_.document, *state_.rules.header->key,
                                  state_.rules.header->key_offset, -1, false));
    draft.insert(colon + 1, " {}");
    draft.replace(all[0].begin, all[0].end, "");
  }
}

void RuleEdits::insert_before(EditDraft& draft, const Block& block, const std::string& rule,
                              const std::string& gap) const {
  draft.insert(block.begin, state_.is_flow() ? rule + ", " : rule + gap);
}

void RuleEdits::insert_behind(EditDraft& draft, const Block& block, const std::string& rule,
                              const std::string& gap) const {
  if (state_.is_flow())
    draft.insert(block.end, ", " + rule);
  else if (text_[block.end - 1] != '\n')
    draft.insert(block.end, state_.line_break + gap + without_last_break(rule));
  else
    draft.insert(block.end, gap + rule);
}

std::string RuleEdits::rule_text(const NewRule& rule, int indent) const {
  const bool in_flow = state_.is_flow();
  const std::string spaces(static_cast<std::size_t>(indent), ' ');
  const std::string key = key_text(rule.pattern, rule.pattern == "default" ? 'd' : '\'');
  std::string text = in_flow ? "" : spaces;
  if (key.size() <= longest_plain_key)
    text += key + ":";
  else
    text += "? " + key + (in_flow ? " :" : state_.line_break + spaces + ":");
  text += rule.leave_alone
              ? " null"
              : entries_text(rule.entries, in_flow, state_.value_indent(indent), state_.line_break);
  return in_flow ? text : text + state_.line_break;
}

RuleMeaning RuleEdits::meaning_of_rule(const NewRule& rule) const {
  RuleMeaning meaning{rule.pattern, rule.leave_alone ? "null" : "", {}};
  if (!rule.leave_alone)
    for (const auto& [key, yaml] : rule.entries) meaning.values[key] = meaning_of_value(yaml);
  return meaning;
}

EditResult RuleEdits::insert(int before, const NewRule& rule) const {
  const std::string title = fmt::format("Add the rule {}", rule.pattern);
  if (has_pattern(rule.pattern)) return pattern_exists(rule.pattern);
  for (const auto& [key, yaml] : rule.entries)
    if (yaml.find('\n') != std::string::npos || meaning_of_value(yaml).empty())
      return refused(problem_at("bad-value", {}, yaml,
                                fmt::format("{} is not one YAML value in one line", yaml)));
  EditDraft draft(editor_);
  const std::vector<Block> all = blocks();
  while (before < editor_.rule_count() && position(before) == std::string::npos) ++before;
  if (all.empty()) {
    insert_first(draft, rule);
  } else {
    const std::string text =
        rule_text(rule, state_.is_flow() ? 0 : column_of(text_, state_.layouts[0].begin));
    const std::string gap = separates_by_blank_lines(all) ? state_.line_break : "";
    if (before < editor_.rule_count())
      insert_before(draft, all[position(before)], text, gap);
    else
      insert_behind(draft, all.back(), text, gap);
  }
  draft.intended.rules.insert(draft.intended.rules.begin() + before, meaning_of_rule(rule));
  return draft.finish(title);
}

void RuleEdits::insert_first(EditDraft& draft, const NewRule& rule) const {
  const YamlPair* header = state_.rules.header;
  const auto root_layouts = state_.document.root()->is_map()
                                ? layout_of(state_.document, *state_.document.root())
                                : std::vector<PairLayout>();
  if (!header) {
    // Nothing but comments, or an empty map.
    const std::string rules = "layer_name_to_config:" + state_.line_break + rule_text(rule, 2);
    if (state_.document.root()->is_map()) {
      const std::size_t begin = state_.document.root()->offset;
      draft.replace(begin, value_end(state_.document, *state_.document.root(), begin, -1, false),
                    without_last_break(rules));
      return;
    }
    const bool ends_open =
        !text_.empty() && text_.back() != '\n' && line_begin(text_, text_.size()) < text_.size();
    const std::size_t word = state_.document.root()->offset;
    const bool is_word =
        word < text_.size() && std::string_view("~nN").find(text_[word]) != std::string_view::npos;
    if (is_word)
      draft.replace(word, value_end(state_.document, *state_.document.root(), word, -1, false),
                    without_last_break(rules));
    else
      draft.insert(text_.size(), (ends_open ? state_.line_break : "") + rules);
    return;
  }
  for (const PairLayout& layout : root_layouts) {
    if (layout.key_begin != header->key_offset) continue;
    const bool in_flow = state_.document.root()->is_flow;
    const std::string key = key_text(rule.pattern, rule.pattern == "default" ? 'd' : '\'');
    if (in_flow) {
      draft.replace(layout.colon_end, layout.value_end,
                    " {" + key + ":" +
                        (rule.leave_alone ? " null" : entries_text(rule.entries, true, 0, "")) +
                        "}");
      return;
    }
    draft.replace(layout.colon_end, layout.value_end, "");
    const std::size_t end = line_end(text_, layout.value_end);
    const int indent = column_of(text_, layout.begin) + 2;
    const std::string spaces(static_cast<std::size_t>(indent), ' ');
    const bool is_long = key.size() > longest_plain_key;
    draft.insert(end, state_.line_break + spaces + (is_long ? "? " : "") + key +
                          (is_long ? state_.line_break + spaces : "") + ":" +
                          (rule.leave_alone
                               ? " null"
                               : entries_text(rule.entries, false, indent + 2, state_.line_break)));
    return;
  }
}

EditResult RuleEdits::duplicate(int rule) const {
  const std::string title = fmt::format("Duplicate rule {}", rule + 1);
  const std::size_t i = position(rule);
  if (i == std::string::npos) return refused(cannot_edit("the rule comes from a merge key"));
  const RuleMeaning& original = state_.meaning.rules[static_cast<std::size_t>(rule)];
  const bool is_default = original.pattern == "default";
  const auto uses_regex = state_.meaning.header.find("use_regex");
  const bool is_equality =
      uses_regex != state_.meaning.header.end() &&
      std::string_view("fFnNoO").find(uses_regex->second[0]) != std::string_view::npos &&
      uses_regex->second != "on" && uses_regex->second != "On" && uses_regex->second != "ON";
  std::string pattern = is_default && !is_equality ? ".*" : original.pattern;
  while (has_pattern(pattern)) pattern = is_equality ? pattern + " copy" : "(?:" + pattern + ")";

  const std::vector<Block> all = blocks();
  const PairLayout& layout = state_.layouts[i];
  const std::size_t begin = state_.is_flow()
                                ? layout.begin
                                : line_begin(text_, layout.begin);  // its comments stay behind
  std::vector<TextPatch> patches = without_anchors(state_.document, begin, all[i].end);
  const bool is_alias_key = layout.pair->key_offset != layout.pair->key->offset;
  const std::size_t key_begin =
      is_alias_key ? layout.key_begin : content_begin(text_, layout.key_begin);
  const std::string key = key_text(pattern, text_[key_begin] == '*' ? '\'' : text_[key_begin]);
  if (key.size() > longest_plain_key && !layout.is_explicit)
    return refused(cannot_edit("the pattern is too long to be copied"));
  patches.push_back({key_begin, layout.key_end - key_begin, key});
  std::string text = apply_within(text_, begin, all[i].end, patches);
  if (!state_.is_flow()) text = with_break(text, state_.line_break);

  EditDraft draft(editor_);
  const std::string gap = separates_by_blank_lines(all) ? state_.line_break : "";
  insert_behind(draft, is_default ? all.back() : all[i], text, gap);
  RuleMeaning copy = original;
  copy.pattern = pattern;
  auto& rules = draft.intended.rules;
  rules.insert(is_default ? rules.end() : rules.begin() + rule + 1, std::move(copy));
  return draft.finish(title);
}

EditResult RuleEdits::move(int from, int to) const {
  const std::string title = fmt::format("Move rule {} to place {}", from + 1, to + 1);
  if (from == to) return {{title, {}}, {}};
  const std::size_t i = position(from);
  const std::size_t j = position(to);
  if (i == std::string::npos || j == std::string::npos)
    return refused(cannot_edit("the rule comes from a merge key"));
  const std::vector<Block> all = blocks();
  const Block range = removed_range(all, i);
  const Block block = all[i];
  const std::size_t target = to < from ? all[j].begin : all[j].end;
  const std::vector<TextPatch> anchors =
      anchor_patches(state_.document, [&](std::size_t offset) -> NewPosition {
        if (offset >= block.begin && offset < block.end) return std::pair(2 * target, offset);
        return std::pair(2 * offset + (offset >= target ? 1 : 0), std::size_t{0});
      });
  EditDraft draft(editor_);
  for (const TextPatch& patch : anchors)
    if (!is_within(patch, block.begin, block.end)) draft.add({patch});
  std::string text = apply_within(text_, block.begin, block.end, anchors);
  std::string gap;
  if (!state_.is_flow()) {
    text = with_break(text, state_.line_break);
    const bool is_last = i + 1 == all.size();
    gap = is_last ? text_.substr(blank_lines_before(block.begin),
                                 block.begin - blank_lines_before(block.begin))
                  : text_.substr(block.end, range.end - block.end);
  }
  draft.replace(range.begin, range.end, "");
  if (to < from)
    insert_before(draft, all[j], text, gap);
  else
    insert_behind(draft, all[j], text, gap);
  auto& rules = draft.intended.rules;
  RuleMeaning moved = rules[static_cast<std::size_t>(from)];
  rules.erase(rules.begin() + from);
  rules.insert(rules.begin() + to, std::move(moved));
  return draft.finish(title);
}

EditResult RuleEdits::set_header(const std::string& key, const std::string& yaml) const {
  const std::string title = fmt::format("Set {} to {}", key, yaml);
  const YamlNode& root = *state_.document.root();
  if (!state_.rules.header)
    return refused(cannot_edit(fmt::format("a bare map of patterns has no place for {}", key),
                               "Save it as a file with layer_name_to_config"));
  EditDraft draft(editor_);
  draft.intended.header[key] = meaning_of_value(yaml);
  const std::vector<PairLayout> layouts = layout_of(state_.document, root);
  for (const PairLayout& layout : layouts) {
    if (layout.pair->key->text != key) continue;
    const bool is_empty = layout.value_begin == layout.colon_end;
    draft.replace(layout.is_alias ? layout.value_begin : content_begin(text_, layout.value_begin),
                  layout.value_end, (is_empty ? " " : "") + yaml);
    return draft.finish(title);
  }
  const std::size_t begin = layouts.front().begin;
  if (root.is_flow)
    draft.insert(begin, key + ": " + yaml + ", ");
  else
    draft.insert(begin, key + ": " + yaml + state_.line_break);
  return draft.finish(title);
}

EditResult RuleEdits::rename_root_key(const std::string& key, const std::string& new_key) const {
  const std::string title = fmt::format("Rename {} to {}", key, new_key);
  const YamlNode& root = *state_.document.root();
  for (const PairLayout& layout : layout_of(state_.document, root)) {
    if (layout.pair->key->text != key) continue;
    TextEdit edit{title,
                  {{layout.key_begin, layout.key_end - layout.key_begin,
                    key_text(new_key, text_[layout.key_begin])}}};
    const TransformEditor renamed(apply_edit(text_, edit));
    if (!renamed.can_edit() || renamed.problems().size() > state_.problems.size())
      return refused(cannot_edit(fmt::format("{} cannot be renamed to {}", key, new_key)));
    return {std::move(edit), {}};
  }
  return refused(cannot_edit(fmt::format("there is no key {}", key), ""));
}

}  // namespace engine
