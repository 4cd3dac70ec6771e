// SPDX-License-Identifier: GPL-3.0-or-later
// The run folder is the only channel between a run and whoever watches it: file names, atomic replace, lock.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace engine {

/// Writes the whole file under a temporary name, fsyncs, renames, fsyncs the folder. Throws Error naming the file.
void replace_file(const std::filesystem::path& file, const std::string& content);
/// Whole content. Throws Error naming the file.
std::string read_file(const std::filesystem::path& file);

/// Exclusive flock on run.lock, held by the trainer while it lives; it dies with its holder.
class RunLock {
 public:
  /// std::nullopt when another live process (or another run of this one) holds it.
  static std::optional<RunLock> acquire(const std::filesystem::path& run_dir);
  static bool is_held(const std::filesystem::path& run_dir);
  ~RunLock();
  RunLock(RunLock&&) noexcept;
  RunLock& operator=(RunLock&&) noexcept;

 private:
  explicit RunLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

struct RunFolder {
  std::filesystem::path path;

  std::filesystem::path run_yaml() const { return path / "run.yaml"; }
  std::filesystem::path transform_yaml() const { return path / "transform.yaml"; }
  std::filesystem::path histogram() const { return path / "transform_histogram.json"; }
  std::filesystem::path events() const { return path / "events.jsonl"; }
  std::filesystem::path status() const { return path / "status.json"; }
  std::filesystem::path control() const { return path / "control"; }
  std::filesystem::path lock() const { return path / "run.lock"; }
  std::filesystem::path checkpoint(std::int64_t step) const;
};

}  // namespace engine
