// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace engine {

/// Closes on destruction. Move only.
class FileDescriptor {
 public:
  explicit FileDescriptor(int value = -1) : value_(value) {}
  ~FileDescriptor() { reset(); }
  FileDescriptor(FileDescriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) {
      reset();
      value_ = std::exchange(other.value_, -1);
    }
    return *this;
  }

  int get() const { return value_; }
  explicit operator bool() const { return value_ >= 0; }
  int release() { return std::exchange(value_, -1); }

 private:
  void reset() {
    if (value_ >= 0) close(value_);
  }
  int value_;
};

/// Up to `limit` bytes from `offset`; stops at the end of the file or at the first error.
std::string read_at(const FileDescriptor& file, std::uint64_t offset, std::size_t limit);

/// Writes everything, also when the system takes less at once or a signal comes between. False,
/// with errno set, when it does not fit or the descriptor is none.
bool write_all(const FileDescriptor& file, std::string_view bytes);

/// Opens a regular file for reading, without ever waiting (a FIFO of that name is not opened).
/// Check the result.
FileDescriptor open_regular_file(const char* path);

}  // namespace engine
