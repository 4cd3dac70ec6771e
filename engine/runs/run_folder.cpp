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

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

namespace engine {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_to_write(const fs::path& file, int error) {
  std::string remedy = "Free space, or choose another folder";
  if (error == EACCES || error == EROFS || error == EPERM) {
    remedy = "Choose a folder that you may write to";
  } else if (error == ENOENT || error == ENOTDIR) {
    remedy = "Create the folder first, or choose another one";
  }
  fail("cannot-write", {.file = file.string()},
       std::string("cannot be written: ") + std::strerror(error), remedy);
}

bool write_all(int descriptor, const std::string& content) {
  std::size_t written = 0;
  while (written < content.size()) {
    const auto count = write(descriptor, content.data() + written, content.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      if (count == 0) errno = ENOSPC;
      return false;
    }
    written += std::size_t(count);
  }
  return true;
}

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

fs::path temporary_name(const fs::path& file) {
  static std::atomic<unsigned> counter{0};
  const auto ticks = std::chrono::steady_clock::now().time_since_epoch().count();
  return folder_of(file) / ("." + file.filename().string() + ".tmp-" + std::to_string(getpid()) +
                            "-" + std::to_string(ticks) + "-" + std::to_string(counter++));
}

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
  const fs::path temporary = temporary_name(file);
  int error = 0;
  {
    FileDescriptor output(open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (!output) fail_to_write(file, errno);
    if (!write_all(output.get(), content) ||
        (mode == ReplaceMode::durable && fsync(output.get()) != 0)) {
      error = errno;
    }
    if (close(output.release()) != 0 && error == 0) error = errno;
  }
  if (error == 0 && rename(temporary.c_str(), file.c_str()) != 0) error = errno;
  if (error != 0) {
    unlink(temporary.c_str());
    fail_to_write(file, error);
  }
  if (mode == ReplaceMode::atomic) return;
  FileDescriptor folder(open(folder_of(file).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some network file systems refuse to sync a folder; the rename itself has happened.
  if (folder && fsync(folder.get()) != 0 && errno != EINVAL) fail_to_write(file, errno);
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
  if (ftruncate(lock.get(), 0) != 0 || !write_all(lock.get(), lock_text())) {
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
