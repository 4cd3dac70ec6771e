// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/frozen_transform.h"

#include "engine/config/transform_config.h"
#include "engine/digest.h"
#include "engine/error.h"
#include "engine/runs/run_folder.h"
#include "engine/scripted/scripted_file.h"
#include "engine/transform/paradigm_info.h"

#include <map>
#include <string>

namespace engine {
namespace {

namespace fs = std::filesystem;

/// File name -> content.
using Files = std::map<std::string, std::string>;

Files files_of(const fs::path& file) {
  Files files{{file.filename().string(), read_file(file)}};
  const ParsedTransform parsed =
      parse_transform_config(files.begin()->second, file.string(), paradigm_infos());
  if (has_errors(parsed.problems)) throw Error(parsed.problems);
  for (const ScriptedFilePtr& each : parsed.config.scripted) {
    files[ScriptedFile::copy_name(file, each->info.id)] = each->bytes;
  }
  return files;
}

std::string folder_name(const Files& files) {
  std::string digests;
  for (const auto& [name, content] : files) digests += name + "\n" + sha256_hex(content) + "\n";
  return sha256_hex(digests).substr(0, 16);
}

void write(const Files& files, const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    fail("cannot-write", {.file = folder.string()}, "the folder cannot be made: " + error.message(),
         "Free space, or make the folder writable");
  }
  for (const auto& [name, content] : files) {
    replace_file(folder / name, content, ReplaceMode::durable);
  }
}

}  // namespace

fs::path freeze_transform(const fs::path& file, const fs::path& store) {
  const Files files = files_of(file);
  const fs::path folder = store / folder_name(files);
  write(files, folder);
  return folder / file.filename();
}

void copy_transform(const fs::path& file, const fs::path& folder) { write(files_of(file), folder); }

bool is_as_frozen(const fs::path& file, const fs::path& copy) {
  try {
    return folder_name(files_of(file)) == copy.parent_path().filename().string();
  } catch (const Error&) {
    return false;
  }
}

bool is_same_transform(const fs::path& file, const fs::path& other) {
  try {
    return files_of(file) == files_of(other);
  } catch (const Error&) {
    return false;
  }
}

}  // namespace engine
