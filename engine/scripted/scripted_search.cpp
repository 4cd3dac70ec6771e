// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/scripted/scripted_search.h"

#include "engine/config/rule_paradigm.h"
#include "engine/error.h"

#include <fmt/format.h>

#include <cstdlib>
#include <sstream>

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExtension = ".pt";

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

/// FOLDER/<its name>.pt, or the only .pt in it.
fs::path file_in(const fs::path& folder) {
  const fs::path same_name = folder / (folder.filename().string() + kExtension);
  if (is_file(same_name)) return same_name;
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.path().extension() == kExtension) found.push_back(entry.path());
  if (found.size() == 1) return found[0];
  fail("bad-paradigm", {.file = folder.string()},
       fmt::format("the folder {} holds {} files *.pt, and none is called {}", folder.string(),
                   found.size(), same_name.filename().string()),
       "Name the file itself");
}

/// Name of the paradigm that a reference means.
std::string id_of(const std::string& reference) {
  fs::path path = fs::path(reference).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  return path.extension() == kExtension ? path.stem().string() : path.filename().string();
}

fs::path file_at(const std::string& reference, const fs::path& base) {
  fs::path path = (base / reference).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  if (is_file(path)) return path;
  if (is_folder(path)) return file_in(path);
  const fs::path with_extension = path.string() + kExtension;
  if (path.extension() != kExtension && is_file(with_extension)) return with_extension;
  fail("unknown-paradigm", {.file = path.string()},
       fmt::format("there is no file {}", path.string()),
       "A paradigm's path is relative to the transform file");
}

}  // namespace

std::vector<fs::path> paradigm_folders() {
  std::vector<fs::path> folders;
  if (const char* given = std::getenv("PARADIGM_PATH")) {
    std::istringstream list{std::string(given)};
    for (std::string folder; std::getline(list, folder, ':');)
      if (!folder.empty()) folders.emplace_back(folder);
  }
  const char* data = std::getenv("XDG_DATA_HOME");
  const char* home = std::getenv("HOME");
  fs::path base;
  if (data != nullptr && *data != '\0') {
    base = data;
  } else if (home != nullptr && *home != '\0') {
    base = fs::path(home) / ".local/share";
  }
  if (!base.empty()) folders.push_back(base / "paradigm-workbench/paradigms");
  return folders;
}

bool is_paradigm_path(const std::string& reference) {
  return reference.find('/') != std::string::npos || reference.ends_with(kExtension);
}

std::optional<FoundParadigm> find_scripted_file(const std::string& reference,
                                                const fs::path& transform_file) {
  const std::string id = id_of(reference);
  const fs::path base = transform_file.parent_path();
  const fs::path copy = base / ScriptedFile::copy_name(transform_file, id);
  if (!transform_file.empty() && is_file(copy)) return FoundParadigm{copy, id};
  if (is_paradigm_path(reference)) return FoundParadigm{file_at(reference, base), id};
  for (const fs::path& folder : paradigm_folders()) {
    if (const fs::path file = folder / (id + kExtension); is_file(file))
      return FoundParadigm{file, id};
    if (is_folder(folder / id)) return FoundParadigm{file_in(folder / id), id};
  }
  return std::nullopt;
}

ParadigmChoice choose_paradigm(const std::string& reference) {
  const std::vector<ParadigmInfo> infos = paradigm_infos();
  if (const ParadigmInfo* info = find_paradigm(infos, reference)) return {*info, nullptr};
  const auto found = find_scripted_file(reference, {});
  if (!found) throw Error(problems_with_paradigm(reference, paradigm_names(infos)));
  const ScriptedFilePtr file = read_scripted_file(found->file, found->id);
  return {file->info, file};
}

}  // namespace engine
