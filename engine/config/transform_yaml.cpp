// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/transform_yaml.h"

#include "engine/config/yaml_values.h"
#include "engine/scripted/scripted_file.h"

#include <fmt/format.h>

#include <filesystem>

namespace engine {
namespace {

std::string value_text(const ParamValue& value) {
  const auto* word = std::get_if<std::string>(&value);
  return word != nullptr ? yaml_text(*word) : to_string(value);
}

/// An id, or the file of a paradigm that is one; absolute, for this file may lie anywhere.
std::string paradigm_reference(const TransformConfig& config, const std::string& id) {
  for (const auto& file : config.scripted) {
    if (file->info.id == id) return std::filesystem::absolute(file->path).string();
  }
  return id;
}

/// Single quotes keep backslashes as they are.
std::string quoted(const std::string& pattern) {
  std::string text = "'";
  for (const char c : pattern) text += c == '\'' ? std::string("''") : std::string(1, c);
  return text + "'";
}

}  // namespace

std::string transform_yaml(const TransformConfig& config, const std::string& comment) {
  std::string text = fmt::format("# {}\nuse_regex: {}\nlayer_name_to_config:\n", comment,
                                 config.use_regex ? "true" : "false");
  if (config.rules.empty()) text.insert(text.size() - 1, " {}");
  for (const TransformRule& rule : config.rules) {
    if (rule.leave_alone) {
      text += fmt::format("  {}: null\n", quoted(rule.pattern));
      continue;
    }
    text += fmt::format("  {}:\n    paradigm: {}\n", quoted(rule.pattern),
                        yaml_text(paradigm_reference(config, rule.paradigm)));
    for (const PlacedValue& entry : rule.values.entries()) {
      text += fmt::format("    {}: {}\n", entry.name, value_text(entry.value));
    }
  }
  return text;
}

}  // namespace engine
