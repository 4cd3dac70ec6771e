// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/yaml_layout.h"

#include <algorithm>
#include <string_view>

namespace engine {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_break(char c) { return c == '\n' || c == '\r'; }
bool is_space(char c) { return is_blank(c) || is_break(c); }
bool is_flow_mark(char c) { return std::string_view(",[]{}").find(c) != std::string_view::npos; }

bool ends_word(const std::string& text, std::size_t i, bool in_flow) {
  return i >= text.size() || is_space(text[i]) || (in_flow && is_flow_mark(text[i]));
}

std::size_t skip_space_and_comments(const std::string& text, std::size_t i) {
  while (i < text.size()) {
    if (is_space(text[i])) {
      ++i;
    } else if (text[i] == '#' && (i == 0 || is_space(text[i - 1]))) {
      i = line_end(text, i);
    } else {
      break;
    }
  }
  return i;
}

std::size_t word_end(const std::string& text, std::size_t i, bool in_flow) {
  while (!ends_word(text, i, in_flow)) ++i;
  return i;
}

std::size_t quoted_end(const std::string& text, std::size_t i) {
  const char quote = text[i++];
  while (i < text.size()) {
    if (quote == '"' && text[i] == '\\') {
      i += 2;
    } else if (text[i] != quote) {
      ++i;
    } else if (quote == '\'' && i + 1 < text.size() && text[i + 1] == '\'') {
      i += 2;
    } else {
      return i + 1;
    }
  }
  return text.size();
}

/// A plain scalar goes on over lines that are indented more than `indent`.
std::size_t plain_end(const std::string& text, std::size_t i, int indent, bool in_flow) {
  std::size_t end = i;
  while (i < text.size()) {
    for (; i < text.size() && !is_break(text[i]); ++i) {
      const char c = text[i];
      if (c == '#' && i > 0 && is_space(text[i - 1])) return end;
      if (c == ':' && ends_word(text, i + 1, in_flow)) return end;
      if (in_flow && is_flow_mark(c)) return end;
      if (!is_blank(c)) end = i + 1;
    }
    while (i < text.size() && is_space(text[i])) ++i;
    if (i >= text.size() || text[i] == '#') return end;
    if (!in_flow && column_of(text, i) <= indent) return end;
  }
  return end;
}

std::size_t block_scalar_end(const std::string& text, std::size_t i, int indent) {
  std::size_t end = line_end(text, i);
  for (i = next_line(text, i); i < text.size(); i = next_line(text, i)) {
    const std::size_t content = text.find_first_not_of(' ', i);
    if (content == std::string::npos) break;
    if (is_break(text[content])) continue;
    if (static_cast<int>(content - i) <= indent) break;
    end = line_end(text, i);
  }
  return end;
}

/// From an opening bracket or brace to behind its counterpart.
std::size_t brackets_end(const std::string& text, std::size_t i) {
  int depth = 0;
  while (i < text.size()) {
    i = skip_space_and_comments(text, i);
    if (i >= text.size()) break;
    const char c = text[i];
    if (c == '[' || c == '{') {
      ++depth;
      ++i;
    } else if (c == ']' || c == '}') {
      ++i;
      if (--depth == 0) return i;
    } else if (c == '"' || c == '\'') {
      i = quoted_end(text, i);
      if (i < text.size() && text[i] == ':') ++i;
    } else if (c == ',' || ((c == ':' || c == '?') && ends_word(text, i + 1, true))) {
      ++i;
    } else if (c == '&' || c == '!' || c == '*') {
      i = word_end(text, i, true);
    } else {
      i = std::max(i + 1, plain_end(text, i, -1, true));
    }
  }
  return text.size();
}

std::size_t inline_end(const std::string& text, std::size_t i, int indent, bool in_flow) {
  if (i >= text.size()) return text.size();
  switch (text[i]) {
    case '\'':
    case '"':
      return quoted_end(text, i);
    case '[':
    case '{':
      return brackets_end(text, i);
    case '*':
      return word_end(text, i, in_flow);
    case '|':
    case '>':
      if (!in_flow) return block_scalar_end(text, i, indent);
      break;
    default:
      break;
  }
  return plain_end(text, i, indent, in_flow);
}

/// Null is written as a word, not as nothing.
bool is_null_word(const std::string& text, std::size_t i, bool in_flow) {
  for (const std::string_view word : {"null", "Null", "NULL", "~"}) {
    if (text.compare(i, word.size(), word) != 0 || !ends_word(text, i + word.size(), in_flow))
      continue;
    std::size_t next = i + word.size();
    while (next < text.size() && is_blank(text[next])) ++next;
    return next >= text.size() || text[next] != ':';
  }
  return false;
}

/// The `?` before an explicit key, or the key's own offset.
std::size_t pair_begin(const std::string& text, std::size_t key) {
  std::size_t i = key;
  while (i > 0 && is_space(text[i - 1])) --i;
  if (i == 0 || i == key || text[i - 1] != '?') return key;
  const bool stands_alone = i == 1 || is_space(text[i - 2]) || is_flow_mark(text[i - 2]);
  return stands_alone ? i - 1 : key;
}

PairLayout layout_pair(const YamlDocument& document, const YamlPair& pair, bool in_flow) {
  const std::string& text = document.text();
  PairLayout layout;
  layout.pair = &pair;
  layout.key_begin = pair.key_offset;
  layout.begin = pair_begin(text, pair.key_offset);
  layout.is_explicit = layout.begin != layout.key_begin;
  const int indent = column_of(text, layout.begin);
  layout.key_end = pair.key_offset == pair.key->offset
                       ? value_end(document, *pair.key, pair.key_offset, indent, in_flow)
                       : word_end(text, pair.key_offset, in_flow);
  std::size_t colon = layout.is_explicit ? skip_space_and_comments(text, layout.key_end)
                                         : text.find_first_not_of(" \t", layout.key_end);
  layout.has_colon = colon < text.size() && text[colon] == ':';
  layout.colon_end = layout.has_colon ? colon + 1 : layout.key_end;
  layout.is_alias = pair.value_offset != pair.value->offset;
  const bool has_properties = pair.value_offset < text.size() &&
                              (text[pair.value_offset] == '&' || text[pair.value_offset] == '!');
  const bool is_empty =
      !layout.has_colon || (pair.value->is_null() && !layout.is_alias && !has_properties &&
                            !is_null_word(text, pair.value_offset, in_flow));
  layout.value_begin = is_empty ? layout.colon_end : pair.value_offset;
  layout.value_end = is_empty
                         ? layout.colon_end
                         : value_end(document, *pair.value, pair.value_offset, indent, in_flow);
  layout.is_block = !is_empty && !layout.is_alias && !pair.value->is_flow &&
                    (pair.value->kind == YamlKind::map || pair.value->kind == YamlKind::sequence);
  return layout;
}

}  // namespace

std::vector<PairLayout> layout_of(const YamlDocument& document, const YamlNode& map) {
  std::vector<PairLayout> layouts;
  for (const YamlPair& pair : map.written)
    layouts.push_back(layout_pair(document, pair, map.is_flow));
  return layouts;
}

std::size_t value_end(const YamlDocument& document, const YamlNode& node, std::size_t offset,
                      int indent, bool in_flow) {
  const std::string& text = document.text();
  if (offset != node.offset) return word_end(text, offset, in_flow);
  if (node.is_map() && !node.is_flow && !node.written.empty())
    return layout_pair(document, node.written.back(), false).value_end;
  if (node.kind == YamlKind::sequence && !node.is_flow && !node.items.empty())
    return value_end(document, *node.items.back(), node.item_offsets.back(),
                     column_of(text, node.item_offsets.back()) - 1, false);
  const std::size_t content = content_begin(text, offset);
  // An anchor with nothing behind it: what follows belongs to somebody else.
  if (node.is_null() && content != offset && !is_null_word(text, content, in_flow))
    return word_end(text, offset, in_flow);
  return inline_end(text, content, indent, in_flow);
}

std::size_t content_begin(const std::string& text, std::size_t offset) {
  while (offset < text.size() && (text[offset] == '&' || text[offset] == '!'))
    offset = skip_space_and_comments(text, word_end(text, offset, false));
  return offset;
}

std::size_t line_begin(const std::string& text, std::size_t offset) {
  const std::size_t before = offset == 0 ? std::string::npos : text.rfind('\n', offset - 1);
  if (before != std::string::npos) return before + 1;
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  return text.compare(0, byte_order_mark.size(), byte_order_mark) == 0 ? byte_order_mark.size() : 0;
}

int column_of(const std::string& text, std::size_t offset) {
  return static_cast<int>(offset - line_begin(text, offset));
}

std::size_t line_end(const std::string& text, std::size_t offset) {
  const std::size_t end = std::min(text.find('\n', offset), text.size());
  return end > offset && end < text.size() && text[end - 1] == '\r' ? end - 1 : end;
}

std::size_t next_line(const std::string& text, std::size_t offset) {
  const std::size_t end = text.find('\n', offset);
  return end == std::string::npos ? text.size() : end + 1;
}

bool begins_line(const std::string& text, std::size_t offset) {
  const std::size_t start = line_begin(text, offset);
  return text.find_first_not_of(' ', start) >= offset;
}

std::string line_break_of(const std::string& text) {
  std::size_t breaks = 0;
  std::size_t with_return = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\n') continue;
    ++breaks;
    if (i > 0 && text[i - 1] == '\r') ++with_return;
  }
  return 2 * with_return > breaks ? "\r\n" : "\n";
}

}  // namespace engine
