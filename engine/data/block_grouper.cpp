// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/block_grouper.h"

#include <algorithm>
#include <utility>

namespace engine {

BlockGrouper::BlockGrouper(std::int64_t block_size, Sink on_block)
    : block_size_(static_cast<std::size_t>(block_size)), on_block_(std::move(on_block)) {
  remainder_.reserve(block_size_);
}

void BlockGrouper::add(std::span<const std::int32_t> ids) {
  if (texts_++ % texts_per_map_batch == 0) {
    remainder_.clear();
    map_batch_ids_ = 0;
  }
  map_batch_ids_ += static_cast<std::int64_t>(ids.size());
  longest_map_batch_ = std::max(longest_map_batch_, map_batch_ids_);
  while (!ids.empty()) {
    if (remainder_.empty() && ids.size() >= block_size_) {
      on_block_(ids.first(block_size_));
      ids = ids.subspan(block_size_);
      continue;
    }
    const std::size_t taken = std::min(block_size_ - remainder_.size(), ids.size());
    remainder_.insert(remainder_.end(), ids.begin(),
                      ids.begin() + static_cast<std::ptrdiff_t>(taken));
    ids = ids.subspan(taken);
    if (remainder_.size() == block_size_) {
      on_block_(remainder_);
      remainder_.clear();
    }
  }
}

}  // namespace engine
