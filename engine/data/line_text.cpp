// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/line_text.h"

#include "engine/data/input_file.h"
#include "engine/error.h"
#include "engine/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace engine {
namespace {

class LineText final : public TextStream {
 public:
  LineText(const std::filesystem::path& path, bool keep_linebreaks)
      : file_(path), keep_linebreaks_(keep_linebreaks), buffer_(std::size_t{1} << 20) {
    if (file_.size() == 0) {
      fail("empty-file", Place{.file = path.string()}, "the file is empty",
           "Give a file with text in it");
    }
  }

  bool next(std::string& text) override {
    text.clear();
    bool any = false;
    while (begin_ < end_ || refill()) {
      // The "\n" of a "\r\n" whose first half ended the line before.
      if (after_return_ && buffer_[begin_] == '\n') {
        ++begin_;
        after_return_ = false;
        continue;
      }
      after_return_ = false;
      any = true;
      const char* const rest = buffer_.data() + begin_;
      const char* const rest_end = buffer_.data() + end_;
      const char* const stop =
          std::find_if(rest, rest_end, [](char c) { return c == '\n' || c == '\r'; });
      text.append(rest, stop);
      begin_ += static_cast<std::size_t>(stop - rest);
      if (stop == rest_end) continue;
      after_return_ = *stop == '\r';
      ++begin_;
      check(text);
      if (keep_linebreaks_) text += '\n';
      return true;
    }
    if (any) check(text);
    return any;
  }

  std::uint64_t bytes_read() const override { return read_ - (end_ - begin_); }

 private:
  bool refill() {
    begin_ = 0;
    end_ = file_.read(buffer_);
    read_ += end_;
    return end_ > 0;
  }

  void check(std::string_view text) {
    ++line_;
    const Place place{.file = file_.path().string(), .line = line_};
    if (text.find('\0') != text.npos) {
      fail("binary-file", place,
           "the line holds a NUL byte: this is a binary file, or text in UTF-16",
           "Give plain text in UTF-8 (iconv -f UTF-16 -t UTF-8 converts)");
    }
    if (const std::size_t offset = first_invalid_utf8(text); offset != text.npos) {
      fail("invalid-utf8", place,
           fmt::format("byte 0x{:02x} at byte {} of the line is not valid UTF-8: this is a binary "
                       "file, or text in "
                       "another encoding",
                       static_cast<unsigned char>(text[offset]), offset + 1),
           "Give plain text in UTF-8 (iconv -f ENCODING -t UTF-8 converts)");
    }
  }

  InputFile file_;
  bool keep_linebreaks_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool after_return_ = false;
  int line_ = 0;
  std::uint64_t read_ = 0;
};

}  // namespace

std::unique_ptr<TextStream> open_line_text(const std::filesystem::path& file,
                                           bool keep_linebreaks) {
  return std::make_unique<LineText>(file, keep_linebreaks);
}

}  // namespace engine
