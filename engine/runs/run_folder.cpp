// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/run_folder.h"

#include "engine/error.h"
#include "engine/runs/file_descriptor.h"
#include "engine/runs/json_values.h"
#include "engine/runs/process_identity.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

namespace engine {
namespace {

namespace fs = std::filesystem;

std::string lock_text() {
  nlohmann::ordered_json json;
  json["pid"] = getpid();
  json["process_start_time"] = process_start_time(getpid()).value_or(0);
  json["host"] = host_name();
  return dump_line(json) + "\n";
}

bool has_no_locks(int error) { return error == ENOLCK || error == EOPNOTSUPP || error == ENOSYS; }

}  // namespace

void replace_file(const fs::path& file, const std::string& content, ReplaceMode mode) {
  AtomicFile output(file);
  output.write(content);
  output.commit(mode);
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

std::string read_file(const fs::path& file) {
  // Not blocking: a named pipe in the file's place must not hold the program.
  const FileDescriptor input(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat info = {};
  int error = !input || fstat(input.get(), &info) != 0 ? errno : 0;
  if (error == 0 && S_ISDIR(info.st_mode)) error = EISDIR;
  if (error == 0 && !S_ISREG(info.st_mode)) {
    fail("cannot-read", {.file = file.string()}, "this is no regular file", "Name a plain file");
  }
  std::string content;
  char buffer[1 << 16];
  while (error == 0) {
    const auto count = read(input.get(), buffer, sizeof(buffer));
    if (count == 0) return content;
    if (count > 0) {
      content.append(buffer, std::size_t(count));
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  fail("cannot-read", {.file = file.string()},
       std::string("cannot be read: ") + std::strerror(error),
       error == EACCES ? "Check the permissions of the file" : "Check the path");
}

std::optional<RunLock> RunLock::acquire(const fs::path& run_dir) {
  const fs::path file = RunFolder{run_dir}.lock();
  FileDescriptor lock(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (!lock) fail_to_write(file, errno);
  constexpr int kAttempts = 20;
  for (int attempt = 0; flock(lock.get(), LOCK_EX | LOCK_NB) != 0; ++attempt) {
    if (errno == EINTR) continue;
    if (has_no_locks(errno)) break;
    if (errno != EWOULDBLOCK) fail_to_write(file, errno);
    if (attempt >= kAttempts) return std::nullopt;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  if (ftruncate(lock.get(), 0) != 0 || !write_all(lock, lock_text())) {
    fail_to_write(file, errno);
  }
  return RunLock(lock.release());
}

LockState RunLock::state(const fs::path& run_dir) {
  const FileDescriptor lock = open_regular_file(RunFolder{run_dir}.lock().c_str());
  if (!lock) return LockState::unknown;
  if (flock(lock.get(), LOCK_SH | LOCK_NB) == 0) return LockState::free;
  return errno == EWOULDBLOCK ? LockState::held : LockState::unknown;
}

bool RunLock::is_held(const fs::path& run_dir) { return state(run_dir) == LockState::held; }

std::string RunLock::holder(const fs::path& run_dir) {
  const FileDescriptor lock = open_regular_file(RunFolder{run_dir}.lock().c_str());
  if (!lock) return "";
  const auto json = parse_object(read_at(lock, 0, 4096));
  if (json.is_discarded() || integer_member(json, "pid") <= 0) return "";
  std::string text = "process " + std::to_string(integer_member(json, "pid"));
  const std::string host = text_member(json, "host");
  return host.empty() ? text : text + " on host " + host;
}

std::pair<std::int64_t, std::uint64_t> RunLock::last_owner(const fs::path& run_dir) {
  const FileDescriptor lock = open_regular_file(RunFolder{run_dir}.lock().c_str());
  if (!lock) return {0, 0};
  const auto json = parse_object(read_at(lock, 0, 4096));
  if (json.is_discarded()) return {0, 0};
  return {integer_member(json, "pid"),
          static_cast<std::uint64_t>(integer_member(json, "process_start_time"))};
}

RunLock::~RunLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

RunLock::RunLock(RunLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

RunLock& RunLock::operator=(RunLock&& other) noexcept {
  if (this != &other) {
    if (descriptor_ >= 0) close(descriptor_);
    descriptor_ = std::exchange(other.descriptor_, -1);
  }
  return *this;
}

fs::path RunFolder::checkpoint(std::int64_t step) const {
  return path / ("checkpoint-" + std::to_string(step));
}

}  // namespace engine
