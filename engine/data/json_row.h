// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace engine {

/// What a row of a JSON file holds in the columns that can be its text.
struct JsonRow {
  enum class Kind { absent, null, string, number, boolean, array, object };
  struct Cell {
    Kind kind = Kind::absent;
    std::string text;  ///< of a string
  };

  std::string error;  ///< not empty: the row is not one JSON object, and why
  std::string first_column;
  Cell first;   ///< the row's first column
  Cell text;    ///< column `text`
  Cell wanted;  ///< column `column` of read_json_row
};

/// Reads one JSON object without building a tree of it. A repeated key counts by its last value.
void read_json_row(std::string_view bytes, std::string_view column, JsonRow& row);

/// "a number", "an array" …
const char* described(JsonRow::Kind kind);

}  // namespace engine
