// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/json_text.h"

#include "engine/data/json_objects.h"
#include "engine/data/json_row.h"
#include "engine/error.h"

#include <fmt/format.h>

#include <utility>

namespace engine {
namespace {

class JsonText final : public TextStream {
 public:
  explicit JsonText(const std::filesystem::path& file) : objects_(file) {}

  bool next(std::string& text) override {
    while (objects_.next(bytes_)) {
      read_row();
      JsonRow::Cell& cell = column_.empty() ? choose_column() : row_.wanted;
      switch (cell.kind) {
        case JsonRow::Kind::string:
          text = std::move(cell.text);
          return true;
        case JsonRow::Kind::null:
        case JsonRow::Kind::absent:
          ++skipped_;
          break;
        default:
          fail("column-not-text", place(),
               fmt::format("column \"{}\" holds {}, not a string", column_, described(cell.kind)),
               "Give the texts a column named text");
      }
    }
    return false;
  }

  std::uint64_t bytes_read() const override { return objects_.bytes_read(); }
  std::int64_t skipped() const override { return skipped_; }

 private:
  Place place() const { return Place{.file = objects_.path().string(), .line = objects_.line()}; }

  void read_row() {
    if (bytes_.find('\0') != bytes_.npos) {
      fail("binary-file", place(),
           "the line holds a NUL byte: this is a binary file, or text in UTF-16",
           "Give JSON in UTF-8, one object per line");
    }
    read_json_row(bytes_, column_, row_);
    if (!row_.error.empty()) {
      fail("bad-json", place(), "the line is not one JSON object: " + row_.error,
           "The file must hold one JSON object per line (jq -c . FILE writes that)");
    }
    if (!column_.empty() && column_ != "text" && row_.text.kind != JsonRow::Kind::absent) {
      fail("column-changes", place(),
           fmt::format("this object has a column \"text\", but the first one does not, so column "
                       "\"{}\" was taken",
                       column_),
           "Give every object the column text");
    }
  }

  JsonRow::Cell& choose_column() {
    if (row_.first_column.empty() && row_.first.kind == JsonRow::Kind::absent) {
      fail("no-column", place(), "the first object has no column",
           "Give the texts a column named text");
    }
    const bool has_text = row_.text.kind != JsonRow::Kind::absent;
    column_ = has_text ? "text" : row_.first_column;
    return has_text ? row_.text : row_.first;
  }

  JsonObjects objects_;
  std::string bytes_;
  std::string column_;
  JsonRow row_;
  std::int64_t skipped_ = 0;
};

}  // namespace

std::unique_ptr<TextStream> open_json_text(const std::filesystem::path& file) {
  return std::make_unique<JsonText>(file);
}

}  // namespace engine
