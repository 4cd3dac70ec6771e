// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/saved_checkpoints.h"

#include "engine/error.h"
#include "engine/runs/run_folder.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <random>

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPrefix = "checkpoint-";
constexpr const char* kTrashPrefix = ".trash-";

std::optional<std::int64_t> step_in_name(const std::string& name) {
  const std::string prefix = kPrefix;
  if (!name.starts_with(prefix)) return std::nullopt;
  std::int64_t step = 0;
  const char* end = name.data() + name.size();
  const auto [parsed, error] = std::from_chars(name.data() + prefix.size(), end, step);
  if (error != std::errc() || parsed != end || step < 0) return std::nullopt;
  return step;
}

}  // namespace

std::vector<SavedCheckpoint> list_checkpoints(const fs::path& run_dir) {
  std::vector<SavedCheckpoint> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(run_dir, ignored)) {
    const auto step = step_in_name(entry.path().filename().string());
    if (step && entry.is_directory(ignored)) found.push_back({entry.path(), *step});
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.step < b.step; });
  return found;
}

std::optional<std::string> damage_in(const fs::path& checkpoint, FileCheck check) {
  try {
    const fs::path file = checkpoint / "manifest.json";
    const Manifest manifest = parse_manifest(read_file(file), file.string());
    for (const ManifestFile& expected : manifest.files) {
      const fs::path part = checkpoint / expected.name;
      std::error_code error;
      const auto size = fs::file_size(part, error);
      if (error) return part.string() + " is missing";
      if (size != static_cast<std::uintmax_t>(expected.bytes)) {
        return part.string() + " has " + std::to_string(size) + " bytes instead of " +
               std::to_string(expected.bytes);
      }
      if (check == FileCheck::hashes && describe_file(part).xxh3 != expected.xxh3) {
        return part.string() + " is damaged: its hash is not the one in the manifest";
      }
    }
    return std::nullopt;
  } catch (const Error& error) {
    return error.what();
  }
}

NewestCheckpoint newest_checkpoint(const fs::path& run_dir, FileCheck check) {
  NewestCheckpoint result;
  auto found = list_checkpoints(run_dir);
  for (auto candidate = found.rbegin(); candidate != found.rend(); ++candidate) {
    const auto damage = damage_in(candidate->path, check);
    if (!damage) {
      result.checkpoint = *candidate;
      break;
    }
    result.passed_over.push_back(candidate->path.filename().string() +
                                 " is passed over: " + *damage);
  }
  return result;
}

std::vector<std::string> rotate_checkpoints(const fs::path& run_dir,
                                            std::optional<std::int64_t> limit,
                                            const fs::path& keep) {
  std::vector<std::string> removed;
  if (!limit || *limit < 1) return removed;
  const auto found = list_checkpoints(run_dir);
  auto surplus = static_cast<std::int64_t>(found.size()) - *limit;
  for (const SavedCheckpoint& checkpoint : found) {
    if (surplus <= 0) break;
    if (checkpoint.path.filename() == keep.filename()) continue;
    try {
      discard_folder(checkpoint.path);
      removed.push_back(checkpoint.path.filename().string());
    } catch (const Error&) {
      // Left where it is: an old checkpoint too many harms nobody.
    }
    --surplus;
  }
  return removed;
}

void sweep_leftovers(const fs::path& run_dir) {
  std::error_code ignored;
  std::vector<fs::path> leftovers;
  for (const auto& entry : fs::directory_iterator(run_dir, ignored)) {
    const std::string name = entry.path().filename().string();
    const bool half_written = name.starts_with(kPrefix) && name.find(".tmp-") != std::string::npos;
    const bool discarded = name.starts_with(std::string(kTrashPrefix) + kPrefix);
    if (half_written || discarded) leftovers.push_back(entry.path());
  }
  for (const fs::path& leftover : leftovers) fs::remove_all(leftover, ignored);
}

void discard_folder(const fs::path& folder) {
  const fs::path trash =
      folder.parent_path() / (kTrashPrefix + folder.filename().string() + "-" + random_suffix());
  std::error_code error;
  fs::rename(folder, trash, error);
  if (error) {
    fail("cannot-write", {.file = folder.string()}, "cannot be removed: " + error.message(),
         "Check the permissions of the folder");
  }
  std::error_code ignored;
  fs::remove_all(trash, ignored);
}

std::string random_suffix() {
  std::random_device device;
  char text[9];
  std::snprintf(text, sizeof(text), "%08x", static_cast<unsigned>(device()));
  return text;
}

}  // namespace engine
