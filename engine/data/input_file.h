// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>

namespace engine {

/// A regular file open for reading from start to end. Throws Error naming the file: missing, a
/// folder, unreadable.
class InputFile {
 public:
  explicit InputFile(std::filesystem::path path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::uint64_t size() const { return size_; }
  /// Bytes put into `buffer`; 0 at the end.
  std::size_t read(std::span<char> buffer);

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

/// XXH3 (128 bit) of a file's bytes as 32 hex characters. `on_bytes` hears how many more were read.
std::string content_hash(const std::filesystem::path& file,
                         const std::function<void(std::uint64_t)>& on_bytes = {});

/// Size, time of change and inode as one word: differs when the file was written or replaced in
/// between.
std::string file_stamp(const std::filesystem::path& file);

}  // namespace engine
