// SPDX-License-Identifier: GPL-3.0-or-later
// Reading members of foreign JSON without trusting them: a wrong kind or range gives the fallback,
// never an exception.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

namespace engine {

/// Finite numbers as they are, the others as "NaN", "Infinity", "-Infinity".
nlohmann::ordered_json json_number(double value);

double real_member(const nlohmann::json& object, const char* name,
                   double fallback = std::numeric_limits<double>::quiet_NaN());
std::int64_t integer_member(const nlohmann::json& object, const char* name,
                            std::int64_t fallback = 0);
std::string text_member(const nlohmann::json& object, const char* name);
bool bool_member(const nlohmann::json& object, const char* name);  ///< false when it is none

/// One line; invalid UTF-8 becomes U+FFFD.
std::string dump_line(const nlohmann::ordered_json& json);

/// The object in `text`, or a discarded value when it is not one.
nlohmann::json parse_object(const std::string& text);

}  // namespace engine
