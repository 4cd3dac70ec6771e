// SPDX-License-Identifier: GPL-3.0-or-later
// run.yaml: a run's configuration under the flags' own names, written so that it can be run again.
#include "engine/config/run_config.h"
#include "engine/config/yaml_values.h"

#include <fmt/format.h>

#include <sstream>
#include <string_view>

namespace engine {
namespace {

constexpr std::string_view kPathsFrom = "# Relative paths start in: ";

std::string value_text(const ParamValue& value) {
  const auto* word = std::get_if<std::string>(&value);
  return word ? yaml_text(*word) : to_string(value);
}

}  // namespace

std::string run_yaml(const RunConfig& config, const std::string& paths_from) {
  const ParamValues values = values_of(config);
  std::string text =
      "# The run as it was started. Run it again with: paradigm train --config run.yaml\n";
  const bool is_one_line = paths_from.find_first_of("\r\n") == std::string::npos;
  if (!paths_from.empty() && is_one_line) text += fmt::format("{}{}\n", kPathsFrom, paths_from);
  std::string group;
  for (const ParamSpec& spec : train_schema().specs()) {
    const PlacedValue* entry = values.find(spec.name);
    if (!entry) continue;
    if (spec.group_name != group) text += fmt::format("\n# {}\n", spec.group_name);
    group = spec.group_name;
    text += fmt::format("{}: {}\n", spec.name, value_text(entry->value));
  }
  return text;
}

std::string paths_noted_in(const std::string& run_yaml_text) {
  // Among the first comments: it is written there and nowhere else.
  std::istringstream lines(run_yaml_text);
  for (std::string line; std::getline(lines, line) && line.starts_with('#');) {
    if (line.starts_with(kPathsFrom)) return line.substr(kPathsFrom.size());
  }
  return "";
}

ParamValues parse_run_yaml(const std::string& text, const std::string& file,
                           std::vector<Problem>& problems) {
  ParamValues values;
  const YamlDocument document(text, file, problems);
  if (!document.root() || document.root()->is_null()) return values;
  if (!document.root()->is_map()) {
    problems.push_back(problem_at("bad-yaml", document.place(*document.root()), "",
                                  "a run configuration is a map of flags to values",
                                  "Write one `flag: value` a line"));
    return values;
  }
  for (const YamlPair& pair : document.root()->pairs) {
    const std::optional<std::string> name = read_yaml_key(*pair.key, document, problems);
    if (!name) continue;
    const ParamSpec* spec = train_schema().find(*name);
    if (!spec) {
      const std::string near = train_schema().nearest(*name);
      problems.push_back(problem_at("bad-value", document.place(*pair.key), *name,
                                    fmt::format("unknown flag {}", *name),
                                    near.empty() ? "" : fmt::format("Did you mean {}?", near)));
      continue;
    }
    if (const std::optional<ParamValue> value = read_yaml_value(*spec, pair, document, problems))
      values.set(*name, *value, document.place(pair.value_offset));
  }
  return values;
}

}  // namespace engine
