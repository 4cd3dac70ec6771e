// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace engine {

/// Offset of the first byte that does not belong to well-formed UTF-8 (overlong forms, surrogates
/// and values above U+10FFFF do not), or npos.
std::size_t first_invalid_utf8(std::string_view text);

inline bool is_valid_utf8(std::string_view text) {
  return first_invalid_utf8(text) == std::string_view::npos;
}

/// Bytes of the well-formed sequence that `text`, which is not empty, begins with; 0 when it begins
/// with none.
std::size_t first_utf8_length(std::string_view text);

/// `bytes` with every ill-formed part replaced by U+FFFD, one for each maximal part of a sequence,
/// as Python's bytes.decode("utf-8", "replace") does.
std::string lossy_utf8(std::string_view bytes);

void append_utf8(std::string& text, char32_t code_point);

struct DecodedChar {
  char32_t code_point;
  std::size_t length;  ///< bytes
};

/// The code point that starts at `position`. `text` must be valid UTF-8 and `position` a character
/// border before its end.
inline DecodedChar decode_utf8(std::string_view text, std::size_t position) {
  const auto byte = [&](std::size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(text[position + i]));
  };
  const char32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xE0) return {(lead & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (lead < 0xF0) return {(lead & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
  return {(lead & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F),
          4};
}

/// Where the character before `position` (> 0) starts; `text` must be valid UTF-8.
inline std::size_t previous_char(std::string_view text, std::size_t position) {
  do --position;
  while ((static_cast<unsigned char>(text[position]) & 0xC0) == 0x80);
  return position;
}

}  // namespace engine
