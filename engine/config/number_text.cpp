// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/number_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

namespace engine {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

/// Underscores may stand between digits, as Python and YAML 1.1 have it; anywhere else the text is
/// no number.
bool drop_underscores(std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      result += text[i];
      continue;
    }
    const bool between = i > 0 && i + 1 < text.size() &&
                         std::isxdigit(static_cast<unsigned char>(text[i - 1])) &&
                         std::isxdigit(static_cast<unsigned char>(text[i + 1]));
    if (!between) return false;
  }
  text = result;
  return true;
}

bool is_sexagesimal(std::string_view digits) {
  bool colon = false;
  bool after_digit = false;
  for (char c : digits) {
    if (is_digit(c) || c == '.') {
      after_digit = true;
    } else if (c == ':' && after_digit) {
      colon = true;
      after_digit = false;
    } else {
      return false;
    }
  }
  return colon && after_digit;
}

/// digits [. digits] [e [sign] digits], at least one digit before the exponent.
bool is_decimal(std::string_view text) {
  std::size_t i = 0;
  std::size_t digits = 0;
  while (i < text.size() && is_digit(text[i])) ++i, ++digits;
  if (i < text.size() && text[i] == '.') {
    ++i;
    while (i < text.size() && is_digit(text[i])) ++i, ++digits;
  }
  if (digits == 0) return false;
  if (i == text.size()) return true;
  if (text[i] != 'e' && text[i] != 'E') return false;
  ++i;
  if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
  return all_digits(text.substr(i));
}

NumberText trapped(std::string why) {
  NumberText result;
  result.trap = std::move(why);
  return result;
}

NumberText whole_number(bool negative, std::string_view digits, int base) {
  const std::string signed_digits = (negative ? "-" : "") + std::string(digits);
  std::int64_t value = 0;
  const char* end = signed_digits.data() + signed_digits.size();
  const auto result = std::from_chars(signed_digits.data(), end, value, base);
  if (result.ec != std::errc() || result.ptr != end)
    return trapped("is too large for a whole number of 64 bits");
  return {.whole = value, .real = static_cast<double>(value), .trap = ""};
}

}  // namespace

std::string short_number(double value) {
  if (std::abs(value) < 1e15 && value == std::nearbyint(value))
    return std::to_string(static_cast<std::int64_t>(value));
  char buffer[64];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, value);
  return {buffer, result.ptr};
}

std::string real_text(double value) {
  char buffer[64];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, value);
  std::string text(buffer, result.ptr);
  if (!std::isfinite(value)) return text;
  if (text.find('.') != std::string::npos) return text;
  const std::size_t exponent = text.find('e');
  return text.insert(exponent == std::string::npos ? text.size() : exponent, ".0");
}

NumberText read_number(const std::string& text) {
  const bool has_sign = !text.empty() && (text[0] == '-' || text[0] == '+');
  const bool negative = has_sign && text[0] == '-';
  std::string body = text.substr(has_sign ? 1 : 0);
  const std::string low = lower(body);
  if (low == ".nan" || low == "nan" || low == ".inf" || low == "inf" || low == "infinity")
    return trapped("is not a finite number");
  if (body.empty() || !drop_underscores(body)) return {};
  if (body.size() > 2 && body[0] == '0' && (body[1] == 'x' || body[1] == 'X')) {
    const std::string_view digits = std::string_view(body).substr(2);
    const bool hex = std::all_of(digits.begin(), digits.end(), [](char c) {
      return std::isxdigit(static_cast<unsigned char>(c));
    });
    return hex ? whole_number(negative, digits, 16) : NumberText{};
  }
  if (body.size() > 2 && body[0] == '0' && (body[1] == 'o' || body[1] == 'b') &&
      all_digits(std::string_view(body).substr(2)))
    return trapped(
        "is an octal or binary number in one version of YAML and a word in the other; write it in "
        "decimal");
  if (is_sexagesimal(body))
    return trapped("counts in sixties in YAML 1.1 and is a word in YAML 1.2; write it in decimal");
  if (all_digits(body)) {
    if (body.size() > 1 && body[0] == '0')
      return trapped(
          "is octal in YAML 1.1 and decimal in YAML 1.2; write it without the leading zero");
    return whole_number(negative, body, 10);
  }
  if (!is_decimal(body)) return {};
  double value = 0;
  const char* end = body.data() + body.size();
  const auto result = std::from_chars(body.data(), end, value);
  if (result.ec == std::errc::result_out_of_range)
    return trapped("is too large or too small for a double");
  if (result.ec != std::errc() || result.ptr != end) return {};
  NumberText number;
  number.real = negative ? -value : value;
  return number;
}

}  // namespace engine
