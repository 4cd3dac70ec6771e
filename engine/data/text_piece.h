// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace engine {

/// A stretch of text on its way through the tokenizer; valid UTF-8.
struct TextPiece {
  std::string_view text;
  /// How many of its first bytes stem from the very first character of what the user gave, or stand
  /// before it. Metaspace with the scheme "first" asks whether there are any.
  std::size_t origin = 0;

  TextPiece sub(std::size_t begin, std::size_t end) const {
    return {text.substr(begin, end - begin), origin > begin ? std::min(origin, end) - begin : 0};
  }
};

/// Takes pieces in order; a piece's text need not outlive the call.
class PieceSink {
 public:
  virtual ~PieceSink() = default;
  virtual void take(const TextPiece& piece) = 0;
};

}  // namespace engine
