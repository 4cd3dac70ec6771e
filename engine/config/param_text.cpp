// SPDX-License-Identifier: GPL-3.0-or-later
// Values given as text without YAML around them: command-line arguments and form fields.
#include "engine/config/number_text.h"
#include "engine/config/param_schema.h"
#include "engine/config/yaml_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace engine {
namespace {

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

bool holds_text(ParamKind kind) {
  return kind == ParamKind::text || kind == ParamKind::path || kind == ParamKind::choice;
}

struct Reading {
  ParamValue value;
  std::string wrong;  ///< empty = read
};

Reading read_boolean(const std::string& text) {
  static constexpr std::array yes{"true", "yes", "t", "y", "1", "on"};
  static constexpr std::array no{"false", "no", "f", "n", "0", "off"};
  const std::string word = lower(text);
  if (std::find(yes.begin(), yes.end(), word) != yes.end()) return {true, ""};
  if (std::find(no.begin(), no.end(), word) != no.end()) return {false, ""};
  return {unset, "is not true or false"};
}

Reading read_integer(const std::string& text) {
  const NumberText number = read_number(text);
  if (number.whole) return {*number.whole, ""};
  if (!number.trap.empty()) return {unset, number.trap};
  return {unset, "is not a whole number"};
}

Reading read_real(const std::string& text) {
  const NumberText number = read_number(text);
  if (number.real) return {*number.real, ""};
  if (!number.trap.empty()) return {unset, number.trap};
  return {unset, "is not a number"};
}

/// A schedule in YAML's flow form, as to_string() writes it.
Reading read_schedule(const ParamSpec& spec, const std::string& text) {
  std::vector<Problem> problems;
  const YamlDocument document(text, "", problems);
  if (problems.empty() && document.root()) {
    YamlPair pair;
    pair.value = document.root();
    pair.value_offset = document.root()->offset;
    if (const auto value = read_yaml_value(spec, pair, document, problems)) return {*value, ""};
  }
  return {unset, problems.empty() ? "is not a schedule"
                                  : "is not a schedule: " + problems.front().message};
}

Reading read_pair(std::string text) {
  if (text.size() >= 2 && (text.front() == '[' || text.front() == '('))
    text = text.substr(1, text.size() - 2);
  const std::size_t comma = text.find_first_of(", ");
  if (comma == std::string::npos) return {unset, "is not a pair of numbers [low, high]"};
  std::string tail = trimmed(text.substr(comma + 1));
  if (!tail.empty() && tail.front() == ',') tail = trimmed(tail.substr(1));
  const Reading low = read_real(trimmed(text.substr(0, comma)));
  const Reading high = read_real(tail);
  if (!low.wrong.empty() || !high.wrong.empty())
    return {unset, "is not a pair of numbers [low, high]"};
  return {RealPair{std::get<double>(low.value), std::get<double>(high.value)}, ""};
}

Reading read(const ParamSpec& spec, const std::string& text) {
  switch (spec.kind) {
    case ParamKind::boolean:
      return read_boolean(text);
    case ParamKind::integer:
      return read_integer(text);
    case ParamKind::real:
    case ParamKind::probability:
      return spec.takes_schedule && is_schedule_text(text) ? read_schedule(spec, text)
                                                           : read_real(text);
    case ParamKind::real_pair:
      return read_pair(text);
    case ParamKind::choice:
    case ParamKind::text:
    case ParamKind::path:
      return {text, ""};
  }
  return {unset, "cannot be read"};
}

}  // namespace

bool is_schedule_text(const std::string& text) { return trimmed(text).rfind('{', 0) == 0; }

ParamValue parse_value(const ParamSpec& spec, const std::string& text, const Place& place,
                       std::vector<Problem>& problems) {
  const std::string word = holds_text(spec.kind) ? text : trimmed(text);
  const bool is_null =
      word == "null" || (!holds_text(spec.kind) && (lower(word) == "none" || word == "~"));
  if (spec.is_nullable && is_null) return unset;
  Reading reading = read(spec, word);
  if (reading.wrong.empty()) return reading.value;
  const std::string range = allowed_range(spec);
  problems.push_back({.id = "bad-value",
                      .severity = Severity::error,
                      .place = place,
                      .value = text,
                      .message = fmt::format("{}: \"{}\" {}", spec.name, text, reading.wrong),
                      .remedy = range.empty() ? "" : fmt::format("Allowed: {}", range)});
  return unset;
}

}  // namespace engine
