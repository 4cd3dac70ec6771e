// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/json_row.h"

#include "engine/strict_json.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

namespace engine {
namespace {

using Json = nlohmann::json;

/// Events of nlohmann's parser; only cells of the outermost object matter.
class RowHandler {
 public:
  RowHandler(std::string_view column, JsonRow& row) : column_(column), row_(row) {}

  bool null() { return cell(JsonRow::Kind::null); }
  bool boolean(bool) { return cell(JsonRow::Kind::boolean); }
  bool number_integer(std::int64_t) { return cell(JsonRow::Kind::number); }
  bool number_unsigned(std::uint64_t) { return cell(JsonRow::Kind::number); }
  bool number_float(double, const std::string&) { return cell(JsonRow::Kind::number); }
  bool binary(Json::binary_t&) { return false; }
  bool string(std::string& value) { return cell(JsonRow::Kind::string, &value); }
  bool start_object(std::size_t) { return open(JsonRow::Kind::object); }
  bool start_array(std::size_t) { return open(JsonRow::Kind::array); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(std::string& name) {
    if (depth_ == 1) {
      if (columns_++ == 0) row_.first_column = name;
      key_ = std::move(name);
    }
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const Json::exception& problem) {
    const std::string reason = json_reason(problem);
    // What was read last may be a whole text.
    row_.error =
        "at byte " + std::to_string(position) + ": " + reason.substr(0, reason.find("; last read"));
    return false;
  }

 private:
  bool open(JsonRow::Kind kind) {
    const bool good = depth_ == 0 ? outermost(kind) : cell(kind);
    ++depth_;
    return good;
  }

  bool close() {
    --depth_;
    return true;
  }

  bool outermost(JsonRow::Kind kind) {
    if (kind == JsonRow::Kind::object) return true;
    row_.error = std::string(described(kind)) + ", not an object";
    return false;
  }

  bool cell(JsonRow::Kind kind, std::string* value = nullptr) {
    if (depth_ == 0) return outermost(kind);
    if (depth_ > 1) return true;
    if (key_ == column_) put(row_.wanted, kind, value);
    if (column_.empty()) {
      if (key_ == row_.first_column) put(row_.first, kind, value);
      if (key_ == "text") put(row_.text, kind, value);
    } else if (key_ == "text") {
      row_.text.kind = kind;
    }
    return true;
  }

  static void put(JsonRow::Cell& target, JsonRow::Kind kind, const std::string* value) {
    target.kind = kind;
    if (value != nullptr) target.text = *value;
  }

  std::string_view column_;
  JsonRow& row_;
  std::string key_;
  int depth_ = 0;
  std::int64_t columns_ = 0;
};

}  // namespace

void read_json_row(std::string_view bytes, std::string_view column, JsonRow& row) {
  row = JsonRow{};
  RowHandler handler(column, row);
  Json::sax_parse(bytes.begin(), bytes.end(), &handler);
}

const char* described(JsonRow::Kind kind) {
  switch (kind) {
    case JsonRow::Kind::absent:
      return "nothing";
    case JsonRow::Kind::null:
      return "null";
    case JsonRow::Kind::string:
      return "a string";
    case JsonRow::Kind::number:
      return "a number";
    case JsonRow::Kind::boolean:
      return "a boolean";
    case JsonRow::Kind::array:
      return "an array";
    case JsonRow::Kind::object:
      return "an object";
  }
  return "?";
}

}  // namespace engine
