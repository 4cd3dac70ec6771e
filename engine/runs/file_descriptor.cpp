// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/file_descriptor.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

namespace engine {

std::string read_at(const FileDescriptor& file, std::uint64_t offset, std::size_t limit) {
  // Most reads find a few lines: memory is taken, and cleared, as it fills and not up to the limit.
  constexpr std::size_t kFirst = 64u << 10;
  std::string content;
  std::size_t size = 0;
  while (size < limit) {
    if (size == content.size()) content.resize(std::min(limit, std::max(kFirst, 2 * size)));
    const auto count =
        pread(file.get(), content.data() + size, content.size() - size, off_t(offset + size));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    size += std::size_t(count);
  }
  content.resize(size);
  return content;
}

bool write_all(const FileDescriptor& file, std::string_view bytes) {
  constexpr std::size_t kMostAtOnce = std::size_t{1} << 26;
  while (!bytes.empty()) {
    const auto count = write(file.get(), bytes.data(), std::min(bytes.size(), kMostAtOnce));
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) errno = ENOSPC;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

FileDescriptor open_regular_file(const char* path) {
  FileDescriptor file(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat info = {};
  if (!file || fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return FileDescriptor();
  return file;
}

}  // namespace engine
