// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/flag_words.h"

#include "engine/printable.h"

#include <fmt/format.h>

#include <algorithm>

namespace engine {
namespace {

Problem usage_problem(const std::string& place, const std::string& value, std::string message,
                      std::string remedy) {
  return {.id = "bad-usage",
          .severity = Severity::error,
          .place = {.file = place},
          .value = value,
          .message = std::move(message),
          .remedy = std::move(remedy)};
}

bool is_flag(const std::string& word) {
  return word.size() > 2 && word.rfind("--", 0) == 0 && word[2] != '-' && word[2] != '!' &&
         word[2] != ' ' && word[2] != '\n';
}

/// -x, but not the number -1.
bool is_short_flag(const std::string& word) {
  return word.size() > 1 && word[0] == '-' && word[1] != '-' && word[1] != '!' && word[1] != ' ' &&
         word[1] != '\n' && !(word[1] >= '0' && word[1] <= '9');
}

const ParamSpec* find_flag(const ParamSchema& schema, const std::string& name) {
  if (const ParamSpec* spec = schema.find(name)) return spec;
  for (const ParamSpec& spec : schema.specs()) {
    if (dashed(spec.name) == name) return &spec;
  }
  return nullptr;
}

const ParamSpec* find_negated(const ParamSchema& schema, const std::string& name) {
  if (name.rfind("no_", 0) != 0 && name.rfind("no-", 0) != 0) return nullptr;
  const ParamSpec* spec = find_flag(schema, name.substr(3));
  return spec != nullptr && has_negation(*spec) ? spec : nullptr;
}

/// Of a flag that is repeated the last counts, of --name and --no_name the latter.
void add_flag(std::vector<GivenFlag>& given, GivenFlag flag) {
  std::erase_if(given, [&](const GivenFlag& one) {
    return one.spec == flag.spec && one.is_negated <= flag.is_negated;
  });
  const bool is_outdone = std::any_of(given.begin(), given.end(),
                                      [&](const GivenFlag& one) { return one.spec == flag.spec; });
  if (!is_outdone) given.push_back(std::move(flag));
}

/// Curly quotes and long dashes come from pages that dress up text; a shell knows neither.
std::string dressed_up(const std::string& word) {
  static const std::pair<const char*, const char*> kinds[] = {
      {"\xE2\x80\x93", "a long dash"},  {"\xE2\x80\x94", "a long dash"},
      {"\xE2\x88\x92", "a minus sign"}, {"\xE2\x80\x9C", "curly quotes"},
      {"\xE2\x80\x9D", "curly quotes"}, {"\xE2\x80\x98", "curly quotes"},
      {"\xE2\x80\x99", "curly quotes"}};
  for (const auto& [bytes, kind] : kinds) {
    if (word.find(bytes) != std::string::npos) return kind;
  }
  return "";
}

Problem stray_word(const std::string& word) {
  const std::string kind = dressed_up(word);
  return usage_problem("", word, fmt::format("\"{}\" belongs to no flag", printable(word, 60)),
                       kind.empty()
                           ? "A flag is --name value; a value with blanks needs quotes"
                           : "It holds " + kind + ": write - and \" as a shell reads them");
}

/// A word that begins with two hyphens would be taken for a flag; as a path it may begin otherwise.
std::string as_word(const ParamSpec& spec, const ParamValue& value) {
  std::string text = to_string(value);
  if (spec.kind == ParamKind::path && text.rfind('-', 0) == 0) text.insert(0, "./");
  return text;
}

}  // namespace

std::string dashed(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

bool has_negation(const ParamSpec& spec) {
  return spec.kind == ParamKind::boolean && spec.default_value == ParamValue(true);
}

ParamValues values_of_flags(const std::vector<GivenFlag>& given, std::vector<Problem>& problems) {
  ParamValues values;
  for (const GivenFlag& flag : given) {
    const std::string name = "--" + flag.spec->name;
    const Place place{.file = name};
    if (flag.is_negated) {
      values.set(flag.spec->name, false, place);
    } else if (flag.spec->kind == ParamKind::boolean && flag.text.empty()) {
      values.set(flag.spec->name, true, place);
    } else if (flag.text.rfind("--", 0) == 0) {
      problems.push_back(usage_problem(
          name, flag.text, name + " needs a value, but is followed by " + printable(flag.text, 60),
          "Give a value, or leave the flag out"));
    } else {
      const std::size_t before = problems.size();
      ParamValue value = parse_value(*flag.spec, flag.text, place, problems);
      if (problems.size() == before) values.set(flag.spec->name, std::move(value), place);
    }
  }
  return values;
}

FlagWords read_flag_words(const ParamSchema& schema, const std::vector<std::string>& words,
                          const OtherFlags& others) {
  FlagWords read;
  bool only_words = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (only_words || !is_flag(word)) {
      if (word == "--" && !only_words) {
        only_words = true;
      } else {
        read.problems.push_back(stray_word(word));
      }
      continue;
    }
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(2, equals == std::string::npos ? equals : equals - 2);
    std::string text = equals == std::string::npos ? "" : word.substr(equals + 1);
    const ParamSpec* spec = find_flag(schema, name);
    const auto other = std::find_if(others.begin(), others.end(),
                                    [&](const auto& one) { return one.first == name; });
    const bool is_other = spec == nullptr && other != others.end();
    const bool is_boolean =
        is_other ? !other->second : spec != nullptr && spec->kind == ParamKind::boolean;
    if (spec == nullptr && !is_other) {
      if (const ParamSpec* negated = find_negated(schema, name)) {
        add_flag(read.given, {negated, "", true});
        continue;
      }
      const std::string near = schema.nearest(name);
      read.problems.push_back(usage_problem("--" + printable(name, 60), word,
                                            "there is no flag --" + printable(name, 60),
                                            near.empty() ? "`paradigm train --help` lists the flags"
                                                         : "Did you mean --" + near + "?"));
      // A word behind it is most likely its value.
      if (text.empty() && i + 1 < words.size() && !is_flag(words[i + 1])) ++i;
      continue;
    }
    const bool has_next = i + 1 < words.size();
    if (text.empty() && !is_boolean) {
      if (!has_next) {
        read.problems.push_back(usage_problem("--" + name, "", "--" + name + " needs a value",
                                              "Give a value, or leave the flag out"));
        continue;
      }
      text = words[++i];
    } else if (text.empty() && !is_other) {
      if (has_next && words[i + 1] != "--" && !is_flag(words[i + 1]) &&
          !is_short_flag(words[i + 1])) {
        text = words[++i];
      }
      // Two hyphens end a list that may be empty.
      if (i + 1 < words.size() && words[i + 1] == "--") ++i;
    }
    if (is_other) {
      read.others.emplace_back(name, std::move(text));
    } else {
      add_flag(read.given, {spec, std::move(text), false});
    }
  }
  return read;
}

std::vector<std::string> flag_words(const ParamSchema& schema, const ParamValues& values,
                                    bool with_defaults) {
  std::vector<std::string> words;
  for (const ParamSpec& spec : schema.specs()) {
    const PlacedValue* given = values.find(spec.name);
    const bool adds_default = with_defaults && given == nullptr && spec.refused_because.empty() &&
                              is_set(spec.default_value);
    if (given == nullptr && !adds_default) continue;
    const ParamValue& value = given != nullptr ? given->value : spec.default_value;
    words.push_back("--" + spec.name);
    if (spec.kind == ParamKind::boolean && value == ParamValue(true)) continue;
    words.push_back(as_word(spec, value));
  }
  return words;
}

}  // namespace engine
