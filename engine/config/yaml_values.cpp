// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/yaml_values.h"

#include "engine/config/number_text.h"
#include "engine/config/schedule_members.h"

#include <fmt/format.h>

#include <set>

namespace engine {
namespace {

/// The spellings that PyYAML takes as booleans; true and false are booleans everywhere.
const std::set<std::string>& old_true_words() {
  static const std::set<std::string> words{"yes", "Yes", "YES", "on", "On", "ON"};
  return words;
}
const std::set<std::string>& old_false_words() {
  static const std::set<std::string> words{"no", "No", "NO", "off", "Off", "OFF"};
  return words;
}
bool is_true(const std::string& word) { return word == "true" || word == "True" || word == "TRUE"; }
bool is_false(const std::string& word) {
  return word == "false" || word == "False" || word == "FALSE";
}
bool is_old_boolean(const std::string& word) {
  return old_true_words().count(word) || old_false_words().count(word);
}
bool is_boolean(const std::string& word) {
  return is_true(word) || is_false(word) || is_old_boolean(word);
}

std::string shown(const YamlNode& node) {
  switch (node.kind) {
    case YamlKind::null:
      return "null";
    case YamlKind::scalar:
      return node.is_quoted ? fmt::format("\"{}\"", node.text) : node.text;
    case YamlKind::sequence:
      return "a list";
    case YamlKind::map:
      return "a map";
  }
  return "";
}

class ValueReader {
 public:
  ValueReader(const ParamSpec& spec, const YamlPair& pair, const YamlDocument& document,
              std::vector<Problem>& problems)
      : spec_(spec),
        node_(*pair.value),
        document_(document),
        place_(document.place(pair.value_offset)),
        problems_(problems) {}

  std::optional<ParamValue> read() {
    if (node_.is_null()) return null();
    switch (spec_.kind) {
      case ParamKind::boolean:
        return boolean_value();
      case ParamKind::integer:
        return integer_value();
      case ParamKind::real:
      case ParamKind::probability:
        return node_.is_map() && spec_.takes_schedule ? schedule_value() : real_value(node_);
      case ParamKind::real_pair:
        return pair_value();
      case ParamKind::choice:
      case ParamKind::text:
      case ParamKind::path:
        return text_value();
    }
    return std::nullopt;
  }

 private:
  std::nullopt_t bad(const std::string& why, const std::string& remedy = "") {
    problems_.push_back(problem_at("bad-value", place_, shown(node_),
                                   fmt::format("{}: {} {}", spec_.name, shown(node_), why),
                                   remedy.empty() ? allowed() : remedy));
    return std::nullopt;
  }

  std::string allowed() const {
    const std::string range = allowed_range(spec_);
    return range.empty() ? "" : "Allowed: " + range + (spec_.is_nullable ? ", or null" : "");
  }

  std::optional<ParamValue> null() {
    if (spec_.is_nullable) return ParamValue{};
    return bad("is not allowed here");
  }

  std::optional<ParamValue> boolean_value() {
    if (!node_.is_plain() || !is_boolean(node_.text))
      return bad("is not true or false", node_.is_quoted ? "Remove the quotes" : "");
    const bool value = is_true(node_.text) || old_true_words().count(node_.text) > 0;
    if (is_old_boolean(node_.text)) {
      Problem note =
          problem_at("yaml-boolean", place_, node_.text,
                     fmt::format("{}: {} is a boolean in YAML 1.1 only; it is read as {}",
                                 spec_.name, node_.text, value),
                     fmt::format("Write {}", value));
      note.severity = Severity::note;
      problems_.push_back(std::move(note));
    }
    return ParamValue{value};
  }

  std::optional<NumberText> number(const YamlNode& node) {
    if (node.kind != YamlKind::scalar) {
      bad("is not a number");
      return std::nullopt;
    }
    if (node.is_quoted) {
      bad("is text, because it is quoted", "Remove the quotes");
      return std::nullopt;
    }
    const NumberText result = read_number(node.text);
    if (result.is_number()) return result;
    bad(result.trap.empty() ? "is not a number" : result.trap);
    return std::nullopt;
  }

  std::optional<ParamValue> integer_value() {
    const std::optional<NumberText> result = number(node_);
    if (!result) return std::nullopt;
    if (!result->whole) return bad("is not a whole number");
    return ParamValue{*result->whole};
  }

  std::optional<ParamValue> real_value(const YamlNode& node) {
    const std::optional<NumberText> result = number(node);
    if (!result) return std::nullopt;
    return ParamValue{*result->real};
  }

  std::optional<ParamValue> schedule_value() {
    const ParamSchema schema = schedule_schema(spec_);
    ParamValues members;
    std::vector<Problem> found;
    for (const YamlPair& pair : node_.pairs) {
      const std::optional<std::string> key = read_yaml_key(*pair.key, document_, found);
      if (!key) continue;
      const ParamSpec* member = schema.find(*key);
      if (!member)
        members.set(*key, unset, document_.place(*pair.key));
      else if (const auto value = read_yaml_value(*member, pair, document_, found))
        members.set(*key, *value, document_.place(pair.value_offset));
    }
    for (Problem& problem : found) problem = about_schedule(spec_, std::move(problem));
    if (found.empty()) found = problems_in_schedule(spec_, members);
    if (found.empty()) return ParamValue{schedule_of(members)};
    for (Problem& problem : found) {
      if (problem.place.line == 0) problem.place = place_;
      problems_.push_back(std::move(problem));
    }
    return std::nullopt;
  }

  std::optional<ParamValue> pair_value() {
    if (node_.kind != YamlKind::sequence || node_.items.size() != 2)
      return bad("is not a pair of numbers [low, high]");
    const std::optional<ParamValue> low = real_value(*node_.items[0]);
    if (!low) return std::nullopt;
    const std::optional<ParamValue> high = real_value(*node_.items[1]);
    if (!high) return std::nullopt;
    return ParamValue{RealPair{std::get<double>(*low), std::get<double>(*high)}};
  }

  std::optional<ParamValue> text_value() {
    if (node_.kind != YamlKind::scalar) return bad("is not a text");
    if (node_.is_plain() && is_boolean(node_.text))
      return bad("is read as a boolean", fmt::format("Quote it: \"{}\"", node_.text));
    return ParamValue{node_.text};
  }

  const ParamSpec& spec_;
  const YamlNode& node_;
  const YamlDocument& document_;
  const Place place_;
  std::vector<Problem>& problems_;
};

}  // namespace

Problem problem_at(const char* id, Place place, std::string value, std::string message,
                   std::string remedy) {
  Problem problem;
  problem.id = id;
  problem.place = std::move(place);
  problem.value = std::move(value);
  problem.message = std::move(message);
  problem.remedy = std::move(remedy);
  return problem;
}

std::optional<ParamValue> read_yaml_value(const ParamSpec& spec, const YamlPair& pair,
                                          const YamlDocument& document,
                                          std::vector<Problem>& problems) {
  return ValueReader(spec, pair, document, problems).read();
}

std::optional<std::string> read_yaml_key(const YamlNode& key, const YamlDocument& document,
                                         std::vector<Problem>& problems) {
  const char* what = nullptr;
  if (key.is_null()) {
    what = "null";
  } else if (key.is_plain() && is_boolean(key.text)) {
    what = "a boolean";
  } else if (key.is_plain()) {
    const NumberText number = read_number(key.text);
    if (number.is_number() || !number.trap.empty()) what = "a number";
  }
  if (!what) return key.text;
  problems.push_back(
      problem_at("bad-value", document.place(key), key.text,
                 fmt::format("the key {} is read as {}, not as text", shown(key), what),
                 fmt::format("Quote it: \"{}\"", shown(key))));
  return std::nullopt;
}

bool reads_as_text(const std::string& word) {
  static const std::set<std::string> null_words{"", "~", "null", "Null", "NULL"};
  if (null_words.count(word) || is_boolean(word)) return false;
  const NumberText number = read_number(word);
  return !number.is_number() && number.trap.empty();
}

std::string yaml_text(const std::string& text) {
  const auto is_simple = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '/' || c == '.' || static_cast<unsigned char>(c) >= 0x80;
  };
  bool plain = reads_as_text(text) && text[0] != '-' && text[0] != '.' &&
               !(text[0] >= '0' && text[0] <= '9');
  for (char c : text) plain = plain && is_simple(c);
  if (plain) return text;
  std::string quoted = "\"";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      quoted += {'\\', c};
    else if (byte < 0x20 || byte == 0x7F)
      quoted += fmt::format("\\x{:02X}", byte);
    else
      quoted += c;
  }
  return quoted + '"';
}

}  // namespace engine
