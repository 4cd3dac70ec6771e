// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>

namespace engine {

/// The texts of one file, in order, one at a time; never more than one of them (for Parquet: one
/// batch of rows) in memory. Valid UTF-8. One thread.
class TextStream {
 public:
  TextStream() = default;
  virtual ~TextStream() = default;
  TextStream(const TextStream&) = delete;
  TextStream& operator=(const TextStream&) = delete;

  /// Replaces `text` by the next one; false at the end. Throws Error naming the file and the line
  /// or row.
  virtual bool next(std::string& text) = 0;
  /// How far in the file, for progress; at the end, its size.
  virtual std::uint64_t bytes_read() const = 0;
  /// Rows left out so far because they have no text (null).
  virtual std::int64_t skipped() const { return 0; }
};

}  // namespace engine
