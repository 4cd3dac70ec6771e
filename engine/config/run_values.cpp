// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/run_values.h"

#include "engine/config/run_config.h"
#include "engine/strict_json.h"

#include <filesystem>

namespace engine {

constexpr std::size_t kLongestRunYaml = 1 << 20;

ParamValues values_over_file(const std::string& config, const ParamValues& given,
                             std::vector<Problem>& problems) {
  if (config.empty()) return given;
  std::filesystem::path file = config;
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) file /= "run.yaml";
  const std::string text = read_text_file(file, kLongestRunYaml);
  ParamValues values = parse_run_yaml(text, file.string(), problems);
  for (const auto& entry : given.entries()) values.set(entry.name, entry.value, entry.place);
  return values;
}

}  // namespace engine
