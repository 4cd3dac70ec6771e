// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace paradigm {

/// With blanks behind it up to that many columns.
std::string padded(std::string text, std::size_t width);

/// Rows under a header, columns as wide as what stands in them: the first to the left, all others
/// to the right. UTF-8: every code point counts as one column.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header) { add(std::move(header)); }

  /// A row may be shorter than the header.
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace paradigm
