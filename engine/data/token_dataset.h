// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace engine {

/// Token ids cut into blocks of equal length, memory-mapped from a file of the token cache.
/// Immutable; any thread.
class TokenDataset {
 public:
  /// Opens a file that TokenDatasetWriter finished and checks all of it: header, size, hash of the
  /// ids. With `max_blocks` only that many blocks from the start are seen. Throws Error naming the
  /// file.
  static TokenDataset open(const std::filesystem::path& file,
                           std::optional<std::int64_t> max_blocks = std::nullopt);
  ~TokenDataset();
  TokenDataset(TokenDataset&&) noexcept;
  TokenDataset& operator=(TokenDataset&&) noexcept;

  std::int64_t blocks() const;
  std::int64_t block_size() const;
  /// Copies block `index` as int64 ids to `out` (block_size() values). `index` in [0, blocks()).
  void copy_block(std::int64_t index, std::int64_t* out) const;
  /// Digest of the content: source texts, tokenizer, block size; and of the number of blocks where
  /// `max_blocks` left some out.
  const std::string& digest() const;

 private:
  struct Impl;
  explicit TokenDataset(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The order in which an epoch visits the blocks: a permutation that is a pure function of (seed,
/// epoch, count), so that a resume seeks in O(1) without replaying. `position` in [0, count).
class BlockOrder {
 public:
  BlockOrder(std::uint64_t seed, std::int64_t epoch, std::int64_t count);
  std::int64_t operator[](std::int64_t position) const;

 private:
  std::uint64_t key_ = 0;
  std::int64_t count_ = 0;
};

}  // namespace engine
