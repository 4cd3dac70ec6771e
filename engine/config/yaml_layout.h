// SPDX-License-Identifier: GPL-3.0-or-later
// Where the parts of a parsed YAML text begin and end, down to the byte: what edits of the text
// need and a parser does not tell.
#pragma once

#include "engine/config/yaml_document.h"

#include <cstddef>
#include <string>
#include <vector>

namespace engine {

/// One `key: value` as it is written. Offsets are bytes of the document's text.
struct PairLayout {
  const YamlPair* pair = nullptr;
  std::size_t begin = 0;  ///< of the key, or of the `?` before it
  std::size_t key_begin = 0;
  std::size_t key_end = 0;
  std::size_t colon_end = 0;    ///< behind the colon; of a key alone, its end
  std::size_t value_begin = 0;  ///< anchor and tag included; colon_end when nothing is written
  std::size_t value_end = 0;
  bool is_explicit = false;  ///< `? key`
  bool has_colon = true;     ///< false: a key alone, in braces or after `?`
  bool is_alias = false;     ///< the value is `*name`
  bool is_block = false;     ///< the value is a map or list in block style
};

/// The pairs of a map that is written in the text, `<<` and duplicates included.
std::vector<PairLayout> layout_of(const YamlDocument& document, const YamlNode& map);

/// Behind the last byte of a value written at `offset` (an anchor or tag included). `indent`: the
/// column of the keys of the map around it.
std::size_t value_end(const YamlDocument& document, const YamlNode& node, std::size_t offset,
                      int indent, bool in_flow);

/// Behind the anchor and tag that may stand at `offset`, and the space and comments after them.
std::size_t content_begin(const std::string& text, std::size_t offset);

/// Bytes between the start of the line and `offset`.
int column_of(const std::string& text, std::size_t offset);
/// A byte order mark is no part of the first line.
std::size_t line_begin(const std::string& text, std::size_t offset);
/// Before the line's end, which is "\n", "\r\n" or the end of the text.
std::size_t line_end(const std::string& text, std::size_t offset);
/// Behind the line's end.
std::size_t next_line(const std::string& text, std::size_t offset);
/// Only spaces before `offset` on its line.
bool begins_line(const std::string& text, std::size_t offset);
/// "\r\n" when most lines end so, else "\n".
std::string line_break_of(const std::string& text);

}  // namespace engine
