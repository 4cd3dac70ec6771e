// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/transform_record.h"

#include <filesystem>
#include <nlohmann/json.hpp>

namespace engine {
namespace {

constexpr const char* kKey = "paradigm_workbench";
constexpr const char* kFile = "transform_file";
constexpr const char* kDigest = "transform_digest";

}  // namespace

std::optional<TransformRecord> transform_record_of(const std::string& config_json) {
  const auto json = nlohmann::json::parse(config_json, nullptr, false);
  if (!json.is_object() || !json.contains(kKey) || !json[kKey].is_object()) return std::nullopt;
  TransformRecord record;
  for (const auto& [name, value] : json[kKey].items()) {
    if (name == kFile && value.is_string()) record.file = value.get<std::string>();
    if (name == kDigest && value.is_string()) record.digest = value.get<std::string>();
  }
  const bool names_a_sibling = !record.file.empty() && record.file != "." && record.file != ".." &&
                               std::filesystem::path(record.file).filename() == record.file;
  if (!names_a_sibling) return std::nullopt;
  return record;
}

std::string with_transform_record(const std::string& config_json, const std::string& file,
                                  const std::string& digest) {
  auto json = nlohmann::ordered_json::parse(config_json);
  json.erase(kKey);
  if (!digest.empty()) json[kKey] = {{kDigest, digest}, {kFile, file}};
  return json.dump(2) + "\n";
}

}  // namespace engine
