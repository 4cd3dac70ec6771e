// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

#include <cstddef>
#include <string>
#include <vector>

namespace widgets {

/// A text of bytes as a text editor shows it, and where each of its characters stands in the bytes.
/// Every line end (LF, CR LF, CR, U+2029) is shown as one '\n'; a byte that is not UTF-8 as U+FFFD.
class TextMap {
 public:
  explicit TextMap(const std::string& bytes);

  const QString& shown() const { return shown_; }
  /// Byte offset of a position in shown(), which may be its end.
  std::size_t byteOffset(qsizetype position) const;
  /// Position in shown() of the character that holds this byte.
  qsizetype position(std::size_t byte_offset) const;
  /// How most lines of the text end.
  const std::string& lineEnd() const { return line_end_; }

 private:
  QString shown_;
  std::vector<std::size_t> offsets_;  ///< of each UTF-16 unit of shown_, then of the end
  std::string line_end_ = "\n";
};

}  // namespace widgets
