// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/data/input_file.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace engine {

/// Cuts a JSON file into the bytes of its objects, which it does not read further: the lines of a
/// JSON-lines file, or the elements of one outermost array. Throws Error naming file and line.
class JsonObjects {
 public:
  explicit JsonObjects(const std::filesystem::path& file);

  /// The next one; false at the end.
  bool next(std::string& bytes);
  /// Line where the one that next() gave begins, from 1.
  int line() const { return object_line_; }
  std::uint64_t bytes_read() const { return read_ - (end_ - begin_); }
  const std::filesystem::path& path() const { return file_.path(); }

 private:
  enum class Layout { unknown, lines, array };

  int peek();
  void take();
  void skip_space();
  bool next_line(std::string& bytes);
  bool next_element(std::string& bytes);
  void finish_array();

  InputFile file_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t read_ = 0;
  Layout layout_ = Layout::unknown;
  bool first_element_ = true;
  bool finished_ = false;
  int line_ = 1;
  int object_line_ = 0;
};

}  // namespace engine
