// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace engine {

/// Cuts texts into blocks as run_clm.py's group_texts does under Dataset.map: the ids of 1000 texts
/// are joined and cut into blocks of equal length, and what remains of each 1000 is dropped. Holds
/// less than one block.
class BlockGrouper {
 public:
  static constexpr std::int64_t texts_per_map_batch = 1000;
  using Sink = std::function<void(std::span<const std::int32_t>)>;

  /// `block_size` >= 1; `on_block` hears each block in order.
  BlockGrouper(std::int64_t block_size, Sink on_block);

  /// The ids of the next text.
  void add(std::span<const std::int32_t> ids);

  std::int64_t texts() const { return texts_; }
  /// Ids of the longest map batch so far: what a block can be at most.
  std::int64_t longest_map_batch() const { return longest_map_batch_; }

 private:
  std::size_t block_size_;
  Sink on_block_;
  std::vector<std::int32_t> remainder_;
  std::int64_t texts_ = 0;
  std::int64_t map_batch_ids_ = 0;
  std::int64_t longest_map_batch_ = 0;
};

}  // namespace engine
