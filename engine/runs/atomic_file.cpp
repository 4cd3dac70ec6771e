// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/atomic_file.h"

#include "engine/error.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <random>
#include <system_error>
#include <utility>

namespace engine {
namespace {

namespace fs = std::filesystem;

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

/// No other writer of the file has it: not in this process, and not on another host of a shared
/// file system.
fs::path temporary_name(const fs::path& file) {
  static std::atomic<unsigned> serial{0};
  return folder_of(file) / fmt::format(".{}.tmp-{}-{:08x}-{}", file.filename().string(), getpid(),
                                       std::random_device{}(), serial++);
}

std::string remedy_for(int error) {
  switch (error) {
    case EACCES:
    case EROFS:
    case EPERM:
      return "Choose a folder that you may write to";
    case ENOENT:
    case ENOTDIR:
      return "Create the folder first, or choose another one";
    default:
      return "Free space, or choose another folder";
  }
}

}  // namespace

void fail_to_write(const fs::path& file, int error, const std::string& remedy) {
  fail("cannot-write", {.file = file.string()},
       std::string("cannot be written: ") + std::strerror(error),
       remedy.empty() ? remedy_for(error) : remedy);
}

fs::path link_target(const fs::path& file) {
  constexpr int kMostLinks = 40;  // as many as the kernel follows
  fs::path target = file;
  std::error_code error;
  for (int links = 0; fs::is_symlink(fs::symlink_status(target, error)); ++links) {
    const fs::path next = fs::read_symlink(target, error);
    if (error || links == kMostLinks) return file;
    target = folder_of(target) / next;
  }
  return target;
}

std::string obstacle_at(const fs::path& file) {
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (error == std::errc::too_many_symbolic_link_levels) return "leads in a circle";
  if (fs::is_directory(status)) return "is a folder";
  return fs::exists(status) && !fs::is_regular_file(status) ? "is no plain file" : "";
}

AtomicFile::AtomicFile(fs::path file, std::string remedy)
    : file_(std::move(file)), target_(link_target(file_)), remedy_(std::move(remedy)) {
  if (const std::string obstacle = obstacle_at(file_); !obstacle.empty()) {
    engine::fail("cannot-write", {.file = file_.string()}, "cannot be written: it " + obstacle,
                 "Name a plain file");
  }
  temporary_ = temporary_name(target_);
  output_ = FileDescriptor(open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!output_) fail(errno);
}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void AtomicFile::write(std::string_view bytes) {
  if (!write_all(output_, bytes)) fail(errno);
}

void AtomicFile::rewind() {
  if (lseek(output_.get(), 0, SEEK_SET) < 0) fail(errno);
}

void AtomicFile::commit(ReplaceMode mode) {
  // A failed fsync is final: the kernel may already have marked the lost pages clean.
  if (mode == ReplaceMode::durable && fsync(output_.get()) != 0) fail(errno);
  if (close(output_.release()) != 0) fail(errno);
  if (rename(temporary_.c_str(), target_.c_str()) != 0) fail(errno);
  temporary_.clear();
  if (mode == ReplaceMode::atomic) return;
  const FileDescriptor folder(open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some network file systems refuse to sync a folder; the rename itself has happened.
  if (folder && fsync(folder.get()) != 0 && errno != EINVAL) fail(errno);
}

void AtomicFile::fail(int error) const { fail_to_write(file_, error, remedy_); }

}  // namespace engine
