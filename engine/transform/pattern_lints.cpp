// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/pattern_lints.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace engine {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Past the end of the class that opens at `i`.
std::size_t class_end(const std::string& pattern, std::size_t i) {
  ++i;
  if (i < pattern.size() && pattern[i] == '^') ++i;
  if (i < pattern.size() && pattern[i] == ']') ++i;
  while (i < pattern.size() && pattern[i] != ']') {
    if (pattern.compare(i, 2, "[:") == 0) {
      const std::size_t close = pattern.find(":]", i + 2);
      i = close == std::string::npos ? i + 2 : close + 2;
    } else {
      i += pattern[i] == '\\' ? 2 : 1;
    }
  }
  return std::min(i + 1, pattern.size());
}

/// Length of a counted quantifier {m}, {m,}, {m,n} or {,n} at `i`, or 0.
std::size_t counted_quantifier(const std::string& pattern, std::size_t i) {
  if (i >= pattern.size() || pattern[i] != '{') return 0;
  const std::size_t close = pattern.find('}', i);
  if (close == std::string::npos || close == i + 1) return 0;
  const std::string body = pattern.substr(i + 1, close - i - 1);
  const bool counts =
      std::all_of(body.begin(), body.end(), [](char c) { return is_digit(c) || c == ','; });
  return counts && std::count(body.begin(), body.end(), ',') <= 1 ? close - i + 1 : 0;
}

bool has_quantifier(const std::string& pattern, std::size_t i) {
  return i < pattern.size() && (pattern[i] == '*' || pattern[i] == '+' || pattern[i] == '?' ||
                                counted_quantifier(pattern, i) > 0);
}

/// Past the character at `i`, which may begin an escape or a class.
std::size_t character_end(const std::string& pattern, std::size_t i) {
  if (pattern[i] == '\\') return i + 2;
  return pattern[i] == '[' ? class_end(pattern, i) : i + 1;
}

/// Calls visit(offset) for every character that stands for itself or is an operator; steps over
/// escapes. Classes are one visit, at their bracket.
template <typename Visit>
void scan(const std::string& pattern, Visit&& visit) {
  for (std::size_t i = 0; i < pattern.size(); i = character_end(pattern, i)) visit(i);
}

bool is_hex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }

/// Whether `count` hexadecimal digits follow the escape's letter.
bool has_hex_digits(const std::string& pattern, std::size_t letter, std::size_t count) {
  if (pattern.size() < letter + 1 + count) return false;
  return std::all_of(pattern.begin() + static_cast<std::ptrdiff_t>(letter + 1),
                     pattern.begin() + static_cast<std::ptrdiff_t>(letter + 1 + count), is_hex);
}

/// `i`: the backslash.
std::string escape_reading(const std::string& pattern, std::size_t i, bool in_class) {
  const char c = i + 1 < pattern.size() ? pattern[i + 1] : '\0';
  if (c == 'v') return "\\v is one character in Python and any vertical space here";
  if (c == 'N') return "\\N{…} is a named character in Python and \\N any character here";
  if (c == 'U') return "\\U is a character by its number in Python and the letter U here";
  if (c == 'x' && !has_hex_digits(pattern, i + 1, 2))
    return "\\x takes exactly two hexadecimal digits in Python's re";
  if (c == 'u' && !has_hex_digits(pattern, i + 1, 4))
    return "\\u takes exactly four hexadecimal digits in Python's re";
  const bool known = std::strchr(in_class ? "abdDfnrsStwWxu" : "abBdDfnrsStwWxuAZ", c) != nullptr;
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return known || !letter ? "" : fmt::format("\\{} is an error in Python's re", c);
}

/// `(?(…)yes|no)`: Python knows a number or the name of a group.
std::string condition_reading(const std::string& pattern, std::size_t i) {
  const std::size_t close = pattern.find(')', i + 3);
  const std::string test = close == std::string::npos ? "" : pattern.substr(i + 3, close - i - 3);
  const bool is_number = !test.empty() && std::all_of(test.begin(), test.end(), is_digit);
  if (is_number || pattern.find("(?P<" + test + ">") != std::string::npos) return "";
  return fmt::format("the condition ({}) is an error in Python's re", test);
}

std::string flags_reading(const std::string& pattern, std::size_t i) {
  std::size_t end = i + 2;
  bool has_minus = false;
  bool is_known = true;
  for (; end < pattern.size() && (std::isalpha(static_cast<unsigned char>(pattern[end])) ||
                                  pattern[end] == '-' || pattern[end] == '^');
       ++end) {
    has_minus |= pattern[end] == '-';
    is_known &= std::strchr("aimsux-", pattern[end]) != nullptr;
  }
  const char close = end < pattern.size() ? pattern[end] : '\0';
  if (!is_known || (close != ')' && close != ':') || (close == ')' && has_minus) || end == i + 2)
    return fmt::format("({} is an error in Python's re", pattern.substr(i + 1, end + 1 - i - 1));
  if (close == ')' && i > 0)
    return "flags that do not stand at the start are an error in Python's re";
  return "";
}

/// Past the bracket that closes the group at `i`.
std::size_t group_end(const std::string& pattern, std::size_t i) {
  int depth = 0;
  for (; i < pattern.size(); i = character_end(pattern, i)) {
    if (pattern[i] == '(') ++depth;
    if (pattern[i] == ')' && --depth == 0) return i + 1;
  }
  return pattern.size();
}

std::string group_reading(const std::string& pattern, std::size_t i) {
  if (pattern.compare(i, 2, "(*") == 0) return "(*…) is an error in Python's re";
  if (pattern.compare(i, 2, "(?") != 0 || i + 2 >= pattern.size()) return "";
  const char kind = pattern[i + 2];
  const char next = i + 3 < pattern.size() ? pattern[i + 3] : '\0';
  if (kind == ':' || kind == '=' || kind == '!' || kind == '>' || kind == '#') return "";
  if (kind == '|') return "(?|…) is an error in Python's re";
  if (kind == '(') return condition_reading(pattern, i);
  if (kind == 'P' && (next == '<' || next == '=')) return "";
  if (kind == 'R' || kind == '&' || kind == '+' || is_digit(kind) ||
      (kind == '-' && is_digit(next)) || (kind == 'P' && next == '>'))
    return "recursion is an error in Python's re";
  if (kind == '<' && (next == '=' || next == '!')) {
    const std::string group = pattern.substr(i, group_end(pattern, i) - i);
    return group.find('|') == std::string::npos
               ? ""
               : "the alternatives of a look-behind must be equally long in Python's re";
  }
  if (kind == '\'' || kind == '<') return "Python's re names a group (?P<name>…) only";
  if (kind == 'C') return "(?C) is an error in Python's re";
  return flags_reading(pattern, i);
}

std::string class_reading(const std::string& pattern, std::size_t i) {
  const std::size_t end = class_end(pattern, i);
  if (pattern.substr(i, end - i).find("[:") != std::string::npos)
    return "[:…:] is a class of characters here and plain characters in Python";
  for (std::size_t at = i + 1; at + 1 < end; ++at) {
    if (pattern[at] != '\\') continue;
    std::string reading = escape_reading(pattern, at, true);
    if (!reading.empty()) return reading;
    ++at;
  }
  return "";
}

std::string reading_at(const std::string& pattern, std::size_t i) {
  const char c = pattern[i];
  if (c == '\\') return escape_reading(pattern, i, false);
  if (c == '(') return group_reading(pattern, i);
  if (c == '{' && counted_quantifier(pattern, i) > 0 && pattern[i + 1] == ',')
    return fmt::format("{} counts from 0 in Python and stands for itself here",
                       pattern.substr(i, counted_quantifier(pattern, i)));
  if (c == '[') return class_reading(pattern, i);
  return "";
}

}  // namespace

std::vector<std::size_t> bare_dots(const std::string& pattern) {
  std::vector<std::size_t> dots;
  scan(pattern, [&](std::size_t i) {
    if (pattern[i] == '.' && !has_quantifier(pattern, i + 1)) dots.push_back(i);
  });
  return dots;
}

std::optional<NotPortable> not_portable(const std::string& pattern) {
  std::optional<NotPortable> first;
  scan(pattern, [&](std::size_t i) {
    if (first) return;
    std::string message = reading_at(pattern, i);
    if (!message.empty()) first = NotPortable{i, std::move(message)};
  });
  return first;
}

std::vector<TextPiece> literal_words(const std::string& pattern) {
  std::vector<TextPiece> words;
  scan(pattern, [&](std::size_t i) {
    const char c = pattern[i];
    const bool is_word = std::isalnum(static_cast<unsigned char>(c)) || c == '_';
    if (!is_word) return;
    if (!words.empty() && words.back().offset + words.back().length == i)
      ++words.back().length;
    else
      words.push_back({i, 1});
  });
  return words;
}

namespace {

/// What stands for the construct at `offset`, and how long that is; length 0 when nothing is known.
std::pair<std::size_t, std::string> portable_construct(const std::string& pattern,
                                                       std::size_t offset) {
  static const std::vector<std::pair<const char*, const char*>> classes{
      {"[:digit:]", "0-9"}, {"[:alpha:]", "A-Za-z"}, {"[:alnum:]", "A-Za-z0-9"},
      {"[:lower:]", "a-z"}, {"[:upper:]", "A-Z"},    {"[:xdigit:]", "0-9A-Fa-f"},
      {"[:word:]", "\\w"},  {"[:space:]", "\\s"}};
  if (pattern[offset] == '{') return {2, "{0,"};
  if (pattern.compare(offset, 3, "(?<") == 0) return {3, "(?P<"};
  if (pattern.compare(offset, 2, "\\h") == 0) return {2, "[ \\t]"};
  if (pattern.compare(offset, 2, "\\R") == 0) return {2, "\\n"};
  if (pattern[offset] != '[') return {0, ""};
  const std::size_t end = class_end(pattern, offset);
  std::string text = pattern.substr(offset, end - offset);
  for (const auto& [name, characters] : classes)
    for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name))
      text.replace(at, std::strlen(name), characters);
  return {end - offset, text};
}

}  // namespace

std::string portable_pattern(const std::string& pattern) {
  std::string text = pattern;
  for (std::size_t tries = 0; tries <= pattern.size(); ++tries) {
    const std::optional<NotPortable> found = not_portable(text);
    if (!found) return text;
    const auto [length, instead] = portable_construct(text, found->offset);
    if (length == 0 || text.compare(found->offset, length, instead) == 0) return "";
    text.replace(found->offset, length, instead);
  }
  return "";
}

std::string plain_reading(const std::string& pattern) {
  std::string name;
  std::size_t skip_to = 0;
  scan(pattern, [&](std::size_t i) {
    if (i < skip_to) return;
    const char c = pattern[i];
    if (c == '\\') {
      const char escaped = i + 1 < pattern.size() ? pattern[i + 1] : '\0';
      name += escaped == 'd' ? '0' : escaped;
    } else if (c == '[') {
      name += '0';
    } else if (c == '|') {
      const std::size_t close = pattern.find(')', i);
      skip_to = close == std::string::npos ? pattern.size() : close;
    } else if (!std::strchr("^$()*+?", c)) {
      name += c;
    }
  });
  return name;
}

}  // namespace engine
