// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/run_values.h"

#include "engine/config/transform_config.h"
#include "engine/error.h"
#include "engine/runs/run_folder.h"
#include "engine/scripted/scripted_copies.h"
#include "engine/strict_json.h"
#include "engine/transform/paradigm_info.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestRunYaml = 1 << 20;

/// `relative` as it can be used from here; itself when nothing of that name is found, for it may be
/// the name of something on the hub.
fs::path found(const fs::path& relative, const fs::path& noted, const fs::path& file) {
  std::error_code ignored;
  const bool is_noted_here = noted.empty() || noted == fs::current_path(ignored);
  if (!is_noted_here && is_there(noted / relative)) return (noted / relative).lexically_normal();
  if (is_there(relative)) return relative;
  for (fs::path above = fs::absolute(file, ignored).parent_path(); above.has_relative_path();
       above = above.parent_path()) {
    if (is_there(above / relative)) return (above / relative).lexically_normal();
  }
  return relative;
}

/// Whether `file` is still what the run in `folder` recorded when it applied it.
bool is_as_applied(const fs::path& file, const RunFolder& folder) {
  try {
    const ParsedTransform parsed = read_transform_config(file, paradigm_infos());
    if (has_errors(parsed.problems)) return false;
    const auto copies = scripted_copies(parsed.config);
    return canonical_text(parsed.config) == read_file(folder.transform_yaml()) &&
           std::all_of(copies.begin(), copies.end(), [&folder](const auto& copy) {
             return read_file(folder.path / copy.first) == copy.second;
           });
  } catch (const Error&) {
    return false;
  }
}

/// A run goes on with, and is repeated with, the transform that it applied: when the file has been
/// edited since, its own copy is meant, which is said.
void keep_applied_transform(const RunFolder& folder, ParamValues& values,
                            std::vector<Problem>& problems) {
  const PlacedValue* given = values.find("transform_config");
  const auto* file = given != nullptr ? std::get_if<std::string>(&given->value) : nullptr;
  if (file == nullptr || *file == "none" || !is_there(folder.transform_yaml())) return;
  if (is_as_applied(*file, folder)) return;
  Problem& problem = problems.emplace_back();
  problem.id = "transform-changed-since";
  problem.severity = Severity::warning;
  problem.place.file = *file;
  problem.message = fmt::format("it {} since the run in {} applied it, whose own copy is taken",
                                is_there(*file) ? "has changed" : "is gone", folder.path.string());
  problem.remedy = "To apply another text, name its file: --transform_config FILE";
  values.set("transform_config", folder.transform_yaml().string(), given->place);
}

}  // namespace

RunValues recorded_run_values(const fs::path& file, std::vector<Problem>& problems) {
  const std::string text = read_text_file(file, kLongestRunYaml);
  RunValues values;
  values.written = parse_run_yaml(text, file.string(), problems);
  values.usable = values.written;
  const fs::path noted = paths_noted_in(text);
  for (const auto& entry : values.written.entries()) {
    const ParamSpec* spec = train_schema().find(entry.name);
    const auto* path = std::get_if<std::string>(&entry.value);
    const bool is_path = spec != nullptr && spec->kind == ParamKind::path && path != nullptr &&
                         !path->empty() && entry.name != "output_dir";
    if (!is_path || fs::path(*path).is_absolute()) continue;
    values.usable.set(entry.name, found(*path, noted, file).string(), entry.place);
  }
  return values;
}

ParamValues read_run_values(const fs::path& file, std::vector<Problem>& problems) {
  ParamValues values = recorded_run_values(file, problems).usable;
  const RunFolder folder{fs::absolute(file).lexically_normal().parent_path()};
  const bool is_its_own = file.filename() == folder.run_yaml().filename() &&
                          (is_there(folder.events()) || is_there(folder.status()));
  if (is_its_own) {
    const PlacedValue* given = values.find("output_dir");
    values.set("output_dir", folder.path.string(), given != nullptr ? given->place : Place{});
    keep_applied_transform(folder, values, problems);
  }
  return values;
}

std::string keep_written_paths(const fs::path& run_yaml, RunConfig& config) {
  std::error_code ignored;
  const std::string here = fs::current_path(ignored).string();
  if (!is_there(run_yaml)) return here;
  const std::string text = read_text_file(run_yaml, kLongestRunYaml);
  const std::string noted = paths_noted_in(text);
  if (noted.empty() || noted == here) return here;
  std::vector<Problem> problems;
  const ParamValues before = parse_run_yaml(text, run_yaml.string(), problems);
  ParamValues now = values_of(config);
  for (const ParamSpec& spec : train_schema().specs()) {
    const PlacedValue* given = now.find(spec.name);
    const auto* path = given != nullptr ? std::get_if<std::string>(&given->value) : nullptr;
    if (spec.kind != ParamKind::path || spec.name == "output_dir" || path == nullptr) continue;
    const fs::path meant = fs::absolute(*path).lexically_normal();
    const PlacedValue* known = before.find(spec.name);
    const auto* written = known != nullptr ? std::get_if<std::string>(&known->value) : nullptr;
    if (written != nullptr && meant == (fs::path(noted) / *written).lexically_normal()) {
      now.set(spec.name, *written);
    } else if (is_there(*path)) {
      now.set(spec.name, meant.string());
    }
  }
  config = run_config_from(now);
  return noted;
}

ParamValues values_over_file(const std::string& config, const ParamValues& given,
                             std::vector<Problem>& problems) {
  if (config.empty()) return given;
  fs::path file = config;
  std::error_code ignored;
  if (fs::is_directory(file, ignored)) file /= "run.yaml";
  ParamValues values = read_run_values(file, problems);
  for (const auto& entry : given.entries()) values.set(entry.name, entry.value, entry.place);
  return values;
}

}  // namespace engine
