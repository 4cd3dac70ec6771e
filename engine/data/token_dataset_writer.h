// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace engine {

/// Writes the file that TokenDataset opens. It appears under its name in finish(), complete and on
/// disk, or not at all: until then, and after an error, only a temporary file beside it exists,
/// which the destructor removes. Any number of processes may write the same file at once: the last
/// one wins. One thread.
class TokenDatasetWriter {
 public:
  /// `digest`: 32 lower-case hex characters. Throws Error when the folder cannot be written.
  TokenDatasetWriter(std::filesystem::path file, std::int64_t vocab_size, std::int64_t block_size,
                     const std::string& digest);
  ~TokenDatasetWriter();
  TokenDatasetWriter(TokenDatasetWriter&&) noexcept;
  TokenDatasetWriter& operator=(TokenDatasetWriter&&) noexcept;

  /// `block_size` ids in [0, vocab_size). Throws Error when the disk is full or an id is out of
  /// range.
  void append(std::span<const std::int32_t> block);
  std::int64_t blocks() const;
  /// Makes the file durable and visible. At most once; nothing may be appended afterwards.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Removes temporary files in `folder` that no writer has touched for a day: what a killed process
/// left.
void sweep_abandoned_token_files(const std::filesystem::path& folder);

}  // namespace engine
