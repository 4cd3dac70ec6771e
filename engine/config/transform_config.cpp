// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/transform_config.h"

#include "engine/config/edit_draft.h"
#include "engine/config/toml_document.h"
#include "engine/config/transform_dialect.h"
#include "engine/config/transform_editor.h"
#include "engine/config/transform_reader.h"
#include "engine/config/yaml_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

namespace engine {
namespace {

/// A rule that is merged into several others by an anchor is checked once for each; one report is
/// enough.
void drop_repeated(std::vector<Problem>& problems) {
  std::set<std::string> seen;
  problems.erase(std::remove_if(problems.begin(), problems.end(),
                                [&](const Problem& problem) {
                                  return !seen.insert(to_string(problem)).second;
                                }),
                 problems.end());
}

}  // namespace

ParsedTransform parse_transform_config(const std::string& text, const std::string& file,
                                       const std::vector<ParadigmInfo>& infos) {
  ParsedTransform parsed;
  parsed.config.file = file;
  parsed.config.source_text = text;
  if (is_toml_name(file)) {
    const std::unique_ptr<YamlDocument> document = read_toml(text, file, parsed.problems);
    parsed.config.dialect = TransformDialect::c3_sections;
    if (document->root()) TransformReader(*document, infos, parsed).read();
    return parsed;
  }
  const YamlDocument document(text, file, parsed.problems);
  if (document.root()) TransformReader(document, infos, parsed).read();
  drop_repeated(parsed.problems);
  return parsed;
}

ParsedTransform read_transform_config(const std::filesystem::path& file,
                                      const std::vector<ParadigmInfo>& infos) {
  const auto unreadable = [&](const std::string& why) {
    ParsedTransform parsed;
    parsed.config.file = file.string();
    parsed.problems.push_back(
        problem_at("unreadable-file", {file.string(), 0, 0}, file.string(),
                   fmt::format("the transform file {} cannot be read: {}", file.string(), why)));
    return parsed;
  };
  std::error_code error;
  if (std::filesystem::is_directory(file, error)) return unreadable("it is a folder");
  const YamlLimits limits;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  if (error) return unreadable(error.message());
  if (size > limits.bytes)
    return unreadable(fmt::format("{} bytes are more than a configuration may have", size));
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  if (!stream) return unreadable(std::strerror(errno));
  text << stream.rdbuf();
  if (stream.bad()) return unreadable("reading failed");
  return parse_transform_config(text.str(), file.string(), infos);
}

std::string canonical_text(const TransformConfig& config) {
  if (config.dialect == TransformDialect::c1_pattern_map ||
      config.dialect == TransformDialect::c2_bare_map)
    return config.source_text;
  std::string text = fmt::format("# Rules of {}, a {}.\n", config.file, describe(config.dialect));
  text += fmt::format("use_regex: {}\n\nlayer_name_to_config:{}\n", config.use_regex,
                      config.rules.empty() ? " {}" : "");
  for (const TransformRule& rule : config.rules) {
    text += fmt::format("  {}:", rule.is_default() ? rule.pattern : key_text(rule.pattern, '\''));
    if (rule.leave_alone) {
      text += " null\n";
      continue;
    }
    text += "\n";
    if (rule.paradigm_source != ParadigmSource::inferred)
      text += fmt::format("    paradigm: {}\n", yaml_text(rule.paradigm));
    for (const PlacedValue& entry : rule.values.entries())
      text += fmt::format("    {}: {}\n", yaml_text(entry.name), yaml_value(entry.value));
  }
  return text;
}

Place place_in_pattern(const TransformConfig& config, const TransformRule& rule,
                       std::size_t index) {
  if (rule.place.line == 0) return rule.place;
  const TextPlaces places(config.source_text);
  const std::size_t start = places.offset(rule.place.line, rule.place.column);
  return places.at(offset_in_scalar(config.source_text, start, index), rule.place.file);
}

}  // namespace engine
