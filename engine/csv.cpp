// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/csv.h"

#include <cstddef>

namespace engine {

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

std::vector<std::vector<std::string>> csv_records(std::string_view text) {
  std::vector<std::vector<std::string>> records;
  bool is_quoted = false;
  bool begins_record = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (begins_record) records.emplace_back(1);
    begins_record = false;
    std::string& field = records.back().back();
    if (c == '"') {
      const bool is_escaped = is_quoted && i + 1 < text.size() && text[i + 1] == '"';
      if (is_escaped) {
        field += text[++i];
      } else {
        is_quoted = !is_quoted;
      }
    } else if (is_quoted || (c != ',' && c != '\n' && c != '\r')) {
      field += c;
    } else if (c == ',') {
      records.back().emplace_back();
    } else if (c == '\n') {
      begins_record = true;
    }
  }
  return records;
}

}  // namespace engine
