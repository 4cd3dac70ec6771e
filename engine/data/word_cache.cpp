// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/word_cache.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace engine {
namespace {

constexpr std::size_t kSlots = std::size_t{64} * 1024;

std::uint64_t hash_of(std::string_view word) { return XXH3_64bits(word.data(), word.size()); }

}  // namespace

WordCache::WordCache() : slots_(kSlots, Slot{}) {}

std::size_t WordCache::slot_of(std::uint64_t hash, std::string_view word) const {
  std::size_t slot = hash & (kSlots - 1);
  while (slots_[slot].used) {
    const Slot& entry = slots_[slot];
    if (entry.hash == hash &&
        std::string_view(words_).substr(entry.word_at, entry.word_size) == word)
      break;
    slot = (slot + 1) & (kSlots - 1);
  }
  return slot;
}

std::optional<std::span<const std::int32_t>> WordCache::find(std::string_view word) const {
  const Slot& entry = slots_[slot_of(hash_of(word), word)];
  if (!entry.used) return std::nullopt;
  return std::span(ids_).subspan(entry.ids_at, entry.ids_size);
}

void WordCache::insert(std::string_view word, std::span<const std::int32_t> ids) {
  if (used_ == kMaxWords) {
    slots_.assign(kSlots, Slot{});
    words_.clear();
    ids_.clear();
    used_ = 0;
  }
  const std::uint64_t hash = hash_of(word);
  slots_[slot_of(hash, word)] = {hash,
                                 static_cast<std::uint32_t>(words_.size()),
                                 static_cast<std::uint32_t>(ids_.size()),
                                 static_cast<std::uint16_t>(word.size()),
                                 static_cast<std::uint16_t>(ids.size()),
                                 true};
  words_ += word;
  ids_.insert(ids_.end(), ids.begin(), ids.end());
  ++used_;
}

}  // namespace engine
