// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/scripted/paradigm_json.h"

#include "engine/strict_json.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace engine::scripted {
namespace {

using Json = nlohmann::json;

/// One object of the file: every key is asked for by name, what is left over is unknown.
class Section {
 public:
  Section(const Json& json, std::string path, const std::string& file,
          std::vector<Problem>& problems)
      : json_(json), path_(std::move(path)), file_(file), problems_(problems) {
    if (!json_.is_object()) report(path_, json_, "a map of names to values");
  }

  const Json* take(const char* key) {
    known_.emplace_back(key);
    if (!json_.is_object() || !json_.contains(key)) return nullptr;
    return &json_.at(key);
  }
  std::string text(const char* key) {
    const Json* value = take(key);
    if (value == nullptr) return "";
    if (value->is_string()) return value->get<std::string>();
    report(name_of(key), *value, "a text");
    return "";
  }
  std::optional<double> number(const char* key) {
    const Json* value = take(key);
    if (value == nullptr) return std::nullopt;
    if (value->is_number()) return value->get<double>();
    report(name_of(key), *value, "a number");
    return std::nullopt;
  }
  bool truth(const char* key) {
    const Json* value = take(key);
    if (value == nullptr) return false;
    if (value->is_boolean()) return value->get<bool>();
    report(name_of(key), *value, "true or false");
    return false;
  }
  std::optional<std::vector<std::string>> texts(const char* key) {
    const Json* value = take(key);
    if (value == nullptr) return std::nullopt;
    std::vector<std::string> list;
    bool is_right = value->is_array();
    if (is_right)
      for (const Json& item : *value) {
        is_right = is_right && item.is_string();
        if (item.is_string()) list.push_back(item.get<std::string>());
      }
    if (!is_right) report(name_of(key), *value, "a list of texts");
    return list;
  }
  /// The index in `words` of the text at `key`, 0 when it is absent.
  std::size_t word(const char* key, const std::vector<std::string>& words) {
    const Json* value = take(key);
    if (value == nullptr) return 0;
    for (std::size_t i = 0; i < words.size(); ++i)
      if (*value == words[i]) return i;
    report(name_of(key), *value, fmt::format("one of {}", fmt::join(words, ", ")));
    return 0;
  }

  void refuse_the_rest() const {
    if (!json_.is_object()) return;
    for (const auto& [key, value] : json_.items()) {
      if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
      Problem problem;
      problem.id = "bad-paradigm";
      problem.place.file = file_;
      problem.value = key;
      problem.message = fmt::format("paradigm.json: unknown key {}", name_of(key));
      const std::string near = nearest_name(key, known_);
      problem.remedy = near.empty() ? fmt::format("Known here: {}", fmt::join(known_, ", "))
                                    : fmt::format("Did you mean {}?", near);
      problems_.push_back(std::move(problem));
    }
  }

  std::string name_of(const std::string& key) const {
    return path_.empty() ? key : path_ + "." + key;
  }

 private:
  void report(const std::string& name, const Json& value, const std::string& expected) {
    Problem problem;
    problem.id = "bad-paradigm";
    problem.place.file = file_;
    problem.value = value.dump();
    problem.message = fmt::format("paradigm.json: {} is {}, but must be {}",
                                  name.empty() ? "the whole" : name, problem.value, expected);
    problems_.push_back(std::move(problem));
  }

  const Json& json_;
  std::string path_;
  const std::string& file_;
  std::vector<Problem>& problems_;
  std::vector<std::string> known_;
};

ParadigmJson::Described read_parameter(Section section) {
  ParadigmJson::Described described;
  described.label = section.text("label");
  described.help = section.text("help");
  described.unit = section.text("unit");
  described.group = section.text("group");
  described.minimum = section.number("minimum");
  described.maximum = section.number("maximum");
  if (const auto above = section.number("exclusiveMinimum")) {
    described.minimum = above;
    described.minimum_open = true;
  }
  if (const auto below = section.number("exclusiveMaximum")) {
    described.maximum = below;
    described.maximum_open = true;
  }
  described.log_scale = section.truth("log_scale");
  described.choices = section.texts("choices").value_or(std::vector<std::string>{});
  section.refuse_the_rest();
  return described;
}

ScriptedNoise read_noise(const std::string& name, Section section) {
  ScriptedNoise noise;
  noise.name = name;
  noise.kind = static_cast<NoiseKind>(section.word("kind", {"normal", "uniform"}));
  noise.shape = static_cast<NoiseShape>(
      section.word("like", {"output", "input", "weight", "scores", "q", "k", "v"}));
  noise.period = static_cast<NoisePeriod>(section.word("per", {"call", "run"}));
  section.refuse_the_rest();
  return noise;
}

}  // namespace

void ParadigmJson::describe(ParamSpec& spec, std::vector<Problem>& problems) const {
  const auto found = described.find(spec.name);
  if (found == described.end()) return;
  const Described& words = found->second;
  if (!words.label.empty()) spec.label_text = words.label;
  if (!words.help.empty()) spec.help_text = words.help;
  spec.unit_text = words.unit;
  spec.group_name = words.group;
  const auto refuse = [&](const std::string& what) {
    Problem problem;
    problem.id = "bad-paradigm";
    problem.message = fmt::format("paradigm.json: {} has {}", spec.name, what);
    problems.push_back(std::move(problem));
  };
  const bool is_number = spec.kind == ParamKind::integer || spec.kind == ParamKind::real;
  if (words.minimum || words.maximum || words.log_scale) {
    if (!is_number) refuse("a range, but is not a number");
    if (words.minimum) spec.minimum = *words.minimum;
    if (words.maximum) spec.maximum = *words.maximum;
    spec.minimum_open = words.minimum_open;
    spec.maximum_open = words.maximum_open;
    spec.is_log_scale = words.log_scale;
    if (spec.minimum > spec.maximum) refuse("a minimum above its maximum");
  }
  if (!words.choices.empty()) {
    if (spec.kind != ParamKind::text) refuse("choices, but is not a text");
    spec.kind = ParamKind::choice;
    spec.choices = words.choices;
  }
}

const ScriptedNoise* ParadigmJson::noise(const std::string& name) const {
  for (const ScriptedNoise& noise : noises)
    if (noise.name == name) return &noise;
  return nullptr;
}

ParadigmJson read_paradigm_json(std::string_view text, const std::string& file,
                                std::vector<Problem>& problems) {
  ParadigmJson result;
  const Json json = parse_strict_json(text, file + ": paradigm.json");
  Section root(json, "", file, problems);
  result.title = root.text("title");
  result.summary = root.text("summary");
  result.targets = root.texts("targets");
  result.state = root.texts("state");
  const auto each = [&](const char* key, const auto& use) {
    const Json* map = root.take(key);
    if (map == nullptr) return;
    Section section(*map, key, file, problems);
    if (!map->is_object()) return;
    for (const auto& [name, value] : map->items())
      use(name, Section(value, section.name_of(name), file, problems));
  };
  each("parameters", [&](const std::string& name, Section section) {
    result.described[name] = read_parameter(std::move(section));
  });
  each("noise", [&](const std::string& name, Section section) {
    result.noises.push_back(read_noise(name, std::move(section)));
  });
  root.refuse_the_rest();
  return result;
}

}  // namespace engine::scripted
