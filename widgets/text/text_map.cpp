// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/text/text_map.h"

#include <algorithm>

namespace widgets {
namespace {

struct Character {
  char32_t code = 0xFFFD;
  std::size_t bytes = 1;
};

/// The UTF-8 character at `at`; U+FFFD of one byte where there is none.
Character character_at(const std::string& text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || at + length > text.size()) return {};
  char32_t code = lead & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return {};
    code = (code << 6) | (byte(at + i) & 0x3Fu);
  }
  constexpr char32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < least[length] || code > 0x10FFFF || is_surrogate) return {};
  return {code, length};
}

}  // namespace

TextMap::TextMap(const std::string& bytes) {
  shown_.reserve(static_cast<qsizetype>(bytes.size()));
  offsets_.reserve(bytes.size() + 1);
  int plain_ends = 0;
  int carriage_ends = 0;
  const auto add = [this](QChar unit, std::size_t at) {
    shown_.append(unit);
    offsets_.push_back(at);
  };
  for (std::size_t at = 0; at < bytes.size();) {
    Character next = character_at(bytes, at);
    if (next.code == U'\r') {
      const bool is_pair = at + 1 < bytes.size() && bytes[at + 1] == '\n';
      if (is_pair) next.bytes = 2;
      carriage_ends += is_pair ? 1 : 0;
      next.code = U'\n';
    } else if (next.code == U'\n') {
      ++plain_ends;
    } else if (next.code == 0x2029) {
      next.code = U'\n';
    }
    if (next.code > 0xFFFF) {
      add(QChar(QChar::highSurrogate(next.code)), at);
      add(QChar(QChar::lowSurrogate(next.code)), at);
    } else {
      add(QChar(static_cast<char16_t>(next.code)), at);
    }
    at += next.bytes;
  }
  offsets_.push_back(bytes.size());
  if (carriage_ends > plain_ends) line_end_ = "\r\n";
}

std::size_t TextMap::byteOffset(qsizetype position) const {
  return offsets_[static_cast<std::size_t>(std::clamp<qsizetype>(position, 0, shown_.size()))];
}

qsizetype TextMap::position(std::size_t byte_offset) const {
  const auto after = std::upper_bound(offsets_.begin(), offsets_.end(), byte_offset);
  if (after == offsets_.begin()) return 0;
  const std::size_t offset = *(after - 1);
  return std::lower_bound(offsets_.begin(), offsets_.end(), offset) - offsets_.begin();
}

}  // namespace widgets
