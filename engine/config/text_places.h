// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/problem.h"

#include <cstddef>
#include <string_view>
#include <vector>

namespace engine {

/// Byte offsets of a text as lines and columns (1-based, columns counted in characters, not bytes)
/// and back. Keeps a view: the text must outlive it.
class TextPlaces {
 public:
  explicit TextPlaces(std::string_view text);

  Place at(std::size_t offset, const std::string& file) const;
  /// Offset of a line and column; the end of the text when there is no such place.
  std::size_t offset(int line, int column) const;

 private:
  std::string_view text_;
  std::vector<std::size_t> line_starts_;
};

}  // namespace engine
