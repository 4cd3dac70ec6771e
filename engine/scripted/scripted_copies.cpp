// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/scripted/scripted_copies.h"

#include "engine/scripted/scripted_file.h"

namespace engine {
namespace {

constexpr const char* kTransformFile = "transform.yaml";

}  // namespace

std::map<std::string, std::string> scripted_copies(const TransformConfig& config) {
  std::map<std::string, std::string> copies;
  for (const ScriptedFilePtr& file : config.scripted)
    copies[ScriptedFile::copy_name(kTransformFile, file->info.id)] = file->bytes;
  return copies;
}

std::vector<std::filesystem::path> scripted_copies_in(const std::filesystem::path& folder) {
  std::error_code ignored;
  std::vector<std::filesystem::path> copies;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("transform.") && name.ends_with(".pt")) copies.push_back(entry.path());
  }
  return copies;
}

}  // namespace engine
