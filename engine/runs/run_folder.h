// SPDX-License-Identifier: GPL-3.0-or-later
// The run folder is the only channel between a run and whoever watches it: file names, atomic
// replace, lock.
#pragma once

#include "engine/runs/atomic_file.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace engine {

/// Writes the whole content as an AtomicFile. Throws Error naming the file, which then keeps its
/// old content.
void replace_file(const std::filesystem::path& file, const std::string& content,
                  ReplaceMode mode = ReplaceMode::durable);
/// Whether something of that name exists and may be looked at.
bool is_there(const std::filesystem::path& path);
/// Whole content. Throws Error naming the file.
std::string read_file(const std::filesystem::path& file);

/// `unknown`: there is no run.lock, it cannot be opened, or the file system has no locks.
enum class LockState { free, held, unknown };

/// Exclusive flock on run.lock, held by the trainer while it lives; it dies with its holder. (Not a
/// POSIX record lock: a reader inside the writer's process would drop that by closing the file.)
/// The file names the holder for messages.
class RunLock {
 public:
  /// std::nullopt when another live process (or another run of this one) holds it. Waits up to 0.2
  /// s, because a watcher's look takes the lock for an instant. Throws Error when the folder is not
  /// writable.
  static std::optional<RunLock> acquire(const std::filesystem::path& run_dir);
  static bool is_held(const std::filesystem::path& run_dir);
  /// Creates and changes nothing.
  static LockState state(const std::filesystem::path& run_dir);
  /// "process 4711 on host lab1", or "" when the file does not say.
  static std::string holder(const std::filesystem::path& run_dir);
  /// The process that took the lock last: pid and start time; 0 when the file does not say.
  static std::pair<std::int64_t, std::uint64_t> last_owner(const std::filesystem::path& run_dir);
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
  std::filesystem::path process_end() const { return path / "process_end.json"; }
  std::filesystem::path checkpoint(std::int64_t step) const;
};

}  // namespace engine
