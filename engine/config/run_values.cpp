// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/run_values.h"

#include "engine/config/run_config.h"
#include "engine/runs/run_folder.h"
#include "engine/strict_json.h"

#include <filesystem>
#include <system_error>

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestRunYaml = 1 << 20;

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

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

}  // namespace

ParamValues read_run_values(const fs::path& file, std::vector<Problem>& problems) {
  const std::string text = read_text_file(file, kLongestRunYaml);
  ParamValues values = parse_run_yaml(text, file.string(), problems);
  const fs::path noted = paths_noted_in(text);
  ParamValues usable;
  for (const auto& entry : values.entries()) {
    const ParamSpec* spec = train_schema().find(entry.name);
    const auto* path = std::get_if<std::string>(&entry.value);
    const bool is_path = spec != nullptr && spec->kind == ParamKind::path && path != nullptr &&
                         !path->empty() && entry.name != "output_dir";
    if (!is_path || fs::path(*path).is_absolute()) continue;
    usable.set(entry.name, found(*path, noted, file).string(), entry.place);
  }
  for (const auto& entry : usable.entries()) values.set(entry.name, entry.value, entry.place);

  const RunFolder folder{fs::absolute(file).lexically_normal().parent_path()};
  const bool is_its_own = file.filename() == folder.run_yaml().filename() &&
                          (is_there(folder.events()) || is_there(folder.status()));
  if (is_its_own) {
    const PlacedValue* given = values.find("output_dir");
    values.set("output_dir", folder.path.string(), given != nullptr ? given->place : Place{});
  }
  return values;
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
