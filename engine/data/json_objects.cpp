// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/json_objects.h"

#include "engine/error.h"

#include <cstring>

namespace engine {
namespace {

constexpr int end_of_file = -1;

[[noreturn]] void fail_at(
    const std::filesystem::path& file, int line, const std::string& message,
    const std::string& remedy = "The file must hold one JSON object per line") {
  fail("bad-json", Place{.file = file.string(), .line = line}, message, remedy);
}

}  // namespace

JsonObjects::JsonObjects(const std::filesystem::path& file)
    : file_(file), buffer_(std::size_t{1} << 20) {
  if (file_.size() == 0) {
    fail("empty-file", Place{.file = file.string()}, "the file is empty",
         "Give a file with text in it");
  }
}

int JsonObjects::peek() {
  if (begin_ == end_) {
    begin_ = 0;
    end_ = file_.read(buffer_);
    read_ += end_;
    if (end_ == 0) return end_of_file;
  }
  return static_cast<unsigned char>(buffer_[begin_]);
}

void JsonObjects::take() {
  if (buffer_[begin_] == '\n') ++line_;
  ++begin_;
}

void JsonObjects::skip_space() {
  for (int c = peek(); c == ' ' || c == '\t' || c == '\r' || c == '\n'; c = peek()) take();
}

bool JsonObjects::next(std::string& bytes) {
  bytes.clear();
  if (layout_ == Layout::unknown) {
    for (const int mark : {0xEF, 0xBB, 0xBF}) {
      if (peek() != mark) break;
      take();
    }
    skip_space();
    layout_ = peek() == '[' ? Layout::array : Layout::lines;
    if (layout_ == Layout::array) take();
  }
  if (finished_) return false;
  skip_space();
  object_line_ = line_;
  return layout_ == Layout::array ? next_element(bytes) : next_line(bytes);
}

bool JsonObjects::next_line(std::string& bytes) {
  while (peek() != end_of_file) {
    const char* from = buffer_.data() + begin_;
    const std::size_t size = end_ - begin_;
    const auto* stop = static_cast<const char*>(std::memchr(from, '\n', size));
    if (stop == nullptr) {
      bytes.append(from, size);
      begin_ = end_;
      continue;
    }
    bytes.append(from, stop);
    begin_ += static_cast<std::size_t>(stop - from) + 1;
    ++line_;
    return true;
  }
  finished_ = true;
  return !bytes.empty();
}

bool JsonObjects::next_element(std::string& bytes) {
  if (peek() == ']') {
    finish_array();
    return false;
  }
  if (!first_element_) {
    if (peek() != ',') fail_at(path(), line_, "a ',' or ']' is missing in the array of objects");
    take();
    skip_space();
    object_line_ = line_;
  }
  first_element_ = false;
  if (peek() != '{') fail_at(path(), line_, "the array holds something that is not an object");
  int depth = 0;
  bool quoted = false;
  bool escaped = false;
  do {
    const int c = peek();
    if (c == end_of_file) {
      fail_at(path(), object_line_, "the file ends inside the object that begins here",
              "The file is cut off");
    }
    if (quoted) {
      quoted = escaped || c != '"';
      escaped = !escaped && c == '\\';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      --depth;
    }
    bytes += static_cast<char>(c);
    take();
  } while (depth > 0);
  return true;
}

void JsonObjects::finish_array() {
  take();
  skip_space();
  if (peek() != end_of_file) fail_at(path(), line_, "there is more behind the array of objects");
  finished_ = true;
}

}  // namespace engine
