// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/recovery_store.h"

#include "engine/digest.h"
#include "engine/error.h"
#include "engine/runs/process_identity.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <sstream>

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr const char* suffix = ".recovery";
constexpr const char* magic = "paradigm-recovery-1";

/// One line that tells the lengths, then the file's name, then the text, byte for byte.
std::string packed(const RecoveredText& entry) {
  return fmt::format("{} {} {:.6f} {} {} {}\n", magic,
                     entry.base_sha256.empty() ? "-" : entry.base_sha256, entry.saved_at,
                     entry.file.size(), entry.text.size(), sha256_hex(entry.file + entry.text)) +
         entry.file + entry.text;
}

std::optional<RecoveredText> unpacked(const fs::path& file) {
  std::string content;
  try {
    content = read_file(file);
  } catch (const Error&) {
    return std::nullopt;
  }
  const std::size_t line = content.find('\n');
  if (line == std::string::npos) return std::nullopt;
  std::istringstream header(content.substr(0, line));
  std::string word;
  std::string digest;
  std::size_t name_size = 0;
  std::size_t text_size = 0;
  RecoveredText entry;
  if (!(header >> word >> entry.base_sha256 >> entry.saved_at >> name_size >> text_size >> digest))
    return std::nullopt;
  const std::string body = content.substr(line + 1);
  if (word != magic || name_size > body.size() || text_size != body.size() - name_size ||
      sha256_hex(body) != digest)
    return std::nullopt;
  if (entry.base_sha256 == "-") entry.base_sha256.clear();
  entry.entry = file;
  entry.file = body.substr(0, name_size);
  entry.text = body.substr(name_size);
  return entry;
}

}  // namespace

RecoveryStore::RecoveryStore(const fs::path& folder) : folder_(folder) {
  std::error_code error;
  for (int attempt = 0; attempt < 100 && lock_.empty(); ++attempt) {
    place_ = folder_ / fmt::format("{}-{}-{}", host_name(), ::getpid(),
                                   static_cast<long long>(unix_time() * 1e6) + attempt);
    fs::create_directories(folder_, error);
    if (!fs::create_directory(place_, error)) continue;
    if (std::optional<RunLock> lock = RunLock::acquire(place_)) lock_.push_back(std::move(*lock));
  }
  if (lock_.empty())
    fail("unwritable-folder", {folder_.string(), 0, 0},
         fmt::format("unsaved texts cannot be kept in {}: {}", folder_.string(),
                     error ? error.message() : "it cannot be locked"),
         "Save often, or make the folder writable");
}

RecoveryStore::~RecoveryStore() {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(place_, error))
    if (entry.path().extension() == suffix) return;
  lock_.clear();
  fs::remove_all(place_, error);
}

fs::path RecoveryStore::entry_of(const std::string& file) const {
  return place_ / (sha256_hex(file).substr(0, 32) + suffix);
}

void RecoveryStore::save(const std::string& file, const std::string& base_sha256,
                         const std::string& text) {
  replace_file(entry_of(file), packed({{}, file, base_sha256, text, unix_time()}));
}

void RecoveryStore::discard(const std::string& file) {
  std::error_code error;
  fs::remove(entry_of(file), error);
}

std::vector<RecoveredText> RecoveryStore::adopt_abandoned() {
  std::vector<RecoveredText> found;
  std::error_code error;
  std::vector<fs::path> places;
  for (const auto& each : fs::directory_iterator(folder_, error))
    if (each.is_directory(error) && each.path() != place_) places.push_back(each.path());
  for (const fs::path& place : places) {
    if (RunLock::state(place) != LockState::free) continue;
    // Whoever gets the lock adopts; a window that starts at the same time goes on to the next one.
    std::optional<RunLock> lock = RunLock::acquire(place);
    if (!lock) continue;
    bool is_emptied = true;
    std::vector<fs::path> files;
    for (const auto& each : fs::directory_iterator(place, error))
      if (each.path().extension() == suffix) files.push_back(each.path());
    for (const fs::path& file : files) {
      std::optional<RecoveredText> entry = unpacked(file);
      const fs::path target = place_ / fmt::format("adopted-{}{}", ++adopted_, suffix);
      if (entry) fs::rename(file, target, error);
      if (!entry || error) {
        is_emptied = false;
        continue;
      }
      entry->entry = target;
      found.push_back(std::move(*entry));
    }
    lock.reset();
    if (is_emptied) fs::remove_all(place, error);
  }
  std::sort(found.begin(), found.end(),
            [](const RecoveredText& a, const RecoveredText& b) { return a.saved_at < b.saved_at; });
  return found;
}

void RecoveryStore::remove(const RecoveredText& recovered) {
  std::error_code error;
  if (recovered.entry.parent_path() == place_) fs::remove(recovered.entry, error);
}

}  // namespace engine
