// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/text_source.h"

#include "engine/data/json_text.h"
#include "engine/data/line_text.h"
#include "engine/data/parquet_text.h"
#include "engine/data/text_format.h"
#include "engine/error.h"

#include <fmt/format.h>

#include <utility>

namespace engine {

std::unique_ptr<TextStream> open_text_file(const std::filesystem::path& file,
                                           bool keep_linebreaks) {
  switch (required_text_format(file)) {
    case TextFormat::lines:
      return open_line_text(file, keep_linebreaks);
    case TextFormat::json:
      return open_json_text(file);
    case TextFormat::parquet:
      return open_parquet_text(file);
  }
  return nullptr;
}

TextFiles::TextFiles(std::vector<std::filesystem::path> files, bool keep_linebreaks)
    : files_(std::move(files)), keep_linebreaks_(keep_linebreaks) {}

bool TextFiles::next(std::string& text) {
  while (true) {
    if (stream_ != nullptr && stream_->next(text)) {
      ++texts_of_file_;
      return true;
    }
    if (stream_ != nullptr) close_file();
    if (opened_ == files_.size()) return false;
    stream_ = open_text_file(files_[opened_++], keep_linebreaks_);
    texts_of_file_ = 0;
  }
}

std::uint64_t TextFiles::bytes_read() const {
  return done_bytes_ + (stream_ != nullptr ? stream_->bytes_read() : 0);
}

void TextFiles::close_file() {
  const std::string file = files_[opened_ - 1].string();
  const std::int64_t skipped = stream_->skipped();
  if (texts_of_file_ == 0) {
    fail("no-text", Place{.file = file},
         skipped > 0 ? fmt::format("all {} rows are null: the file holds no text", skipped)
                     : std::string("the file holds no text"),
         "Give a file with text in it");
  }
  if (skipped > 0) {
    messages_.push_back(fmt::format("{}: {} of {} rows have no text (null) and were left out", file,
                                    skipped, skipped + texts_of_file_));
  }
  done_bytes_ += stream_->bytes_read();
  stream_.reset();
}

}  // namespace engine
