// SPDX-License-Identifier: GPL-3.0-or-later
// Comma-separated values as RFC 4180 has them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace engine {

/// The text itself, or in quotes where it has a comma, a quote or the end of a line in it.
std::string csv_field(const std::string& text);

/// The fields of all records; a field in quotes may hold anything.
std::vector<std::vector<std::string>> csv_records(std::string_view text);

}  // namespace engine
