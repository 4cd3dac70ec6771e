// SPDX-License-Identifier: GPL-3.0-or-later
// run.yaml: a run's configuration under the flags' own names, written so that it can be run again.
#include "engine/config/run_config.h"
#include "engine/config/yaml_values.h"

#include <fmt/format.h>

namespace engine {
namespace {

std::string value_text(const ParamValue& value) {
  const auto* word = std::get_if<std::string>(&value);
  return word ? yaml_text(*word) : to_string(value);
}

}  // namespace

std::string run_yaml(const RunConfig& config) {
  const ParamValues values = values_of(config);
  std::string text =
      "# The run as it was started. Run it again with: paradigm train --config run.yaml\n";
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
