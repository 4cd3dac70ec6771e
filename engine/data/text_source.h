// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/data/text_stream.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace engine {

/// The texts of a txt, json, jsonl or parquet file, as its ending says. `keep_linebreaks` is for
/// txt. Throws Error naming the file.
std::unique_ptr<TextStream> open_text_file(const std::filesystem::path& file, bool keep_linebreaks);

/// The texts of several files, one file after the other. Throws Error for a file that holds none.
/// One thread.
class TextFiles {
 public:
  TextFiles(std::vector<std::filesystem::path> files, bool keep_linebreaks);

  /// Replaces `text` by the next one; false at the end.
  bool next(std::string& text);
  std::uint64_t bytes_read() const;
  /// A line for the user for each finished file that had rows without a text.
  const std::vector<std::string>& messages() const { return messages_; }

 private:
  void close_file();

  std::vector<std::filesystem::path> files_;
  bool keep_linebreaks_;
  std::size_t opened_ = 0;
  std::unique_ptr<TextStream> stream_;
  std::int64_t texts_of_file_ = 0;
  std::uint64_t done_bytes_ = 0;
  std::vector<std::string> messages_;
};

}  // namespace engine
