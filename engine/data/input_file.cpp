// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/input_file.h"

#include "engine/error.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

namespace engine {
namespace {

[[noreturn]] void fail_to_read(const std::filesystem::path& file, int error) {
  fail("cannot-read", Place{.file = file.string()},
       fmt::format("the file cannot be read: {}", std::strerror(error)),
       error == EACCES ? "Check the permissions of the file" : "Check the name");
}

}  // namespace

InputFile::InputFile(std::filesystem::path path) : path_(std::move(path)) {
  // O_NONBLOCK: opening a pipe must not wait for a writer before it is refused.
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) fail_to_read(path_, errno);
  struct stat status {};
  const bool known = ::fstat(descriptor_, &status) == 0;
  if (!known || !S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    fail("not-a-file", Place{.file = path_.string()},
         S_ISDIR(status.st_mode)
             ? "this is a folder, not a file"
             : "this is not a regular file; it is read twice, so it must be one",
         S_ISDIR(status.st_mode) ? "A folder of files is given as --dataset_name"
                                 : "Write it to a plain file first");
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
  ::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_SEQUENTIAL);
}

InputFile::~InputFile() { ::close(descriptor_); }

std::size_t InputFile::read(std::span<char> buffer) {
  while (true) {
    const ssize_t got = ::read(descriptor_, buffer.data(), buffer.size());
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) fail_to_read(path_, errno);
  }
}

std::string content_hash(const std::filesystem::path& file,
                         const std::function<void(std::uint64_t)>& on_bytes) {
  InputFile input(file);
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(),
                                                                       XXH3_freeState);
  XXH3_128bits_reset(state.get());
  std::vector<char> buffer(std::size_t{4} << 20);
  while (const std::size_t got = input.read(buffer)) {
    XXH3_128bits_update(state.get(), buffer.data(), got);
    if (on_bytes) on_bytes(got);
  }
  const XXH128_hash_t hash = XXH3_128bits_digest(state.get());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

std::string file_stamp(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) fail_to_read(file, errno);
  return fmt::format("{}-{}-{}.{:09}", status.st_size, status.st_ino, status.st_mtim.tv_sec,
                     status.st_mtim.tv_nsec);
}

}  // namespace engine
