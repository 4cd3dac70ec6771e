// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/text_places.h"

#include <algorithm>

namespace engine {
namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

TextPlaces::TextPlaces(std::string_view text) : text_(text), line_starts_{0} {
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == '\n') line_starts_.push_back(i + 1);
}

Place TextPlaces::at(std::size_t offset, const std::string& file) const {
  offset = std::min(offset, text_.size());
  const auto next = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  const std::string_view before = text_.substr(*(next - 1), offset - *(next - 1));
  const auto columns =
      std::count_if(before.begin(), before.end(), [](char c) { return !is_continuation(c); });
  return {file, static_cast<int>(next - line_starts_.begin()), static_cast<int>(columns) + 1};
}

std::size_t TextPlaces::offset(int line, int column) const {
  if (line < 1 || static_cast<std::size_t>(line) > line_starts_.size()) return text_.size();
  std::size_t i = line_starts_[static_cast<std::size_t>(line) - 1];
  for (int skipped = 1; skipped < column && i < text_.size(); ++skipped) {
    ++i;
    while (i < text_.size() && is_continuation(text_[i])) ++i;
  }
  return i;
}

}  // namespace engine
