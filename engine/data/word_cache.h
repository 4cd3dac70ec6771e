// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace engine {

/// Ids of words met before. Bounded: when full it starts again, which text with its few frequent
/// words hardly notices. One per thread.
class WordCache {
 public:
  static constexpr std::size_t kMaxWordBytes = 64;
  static constexpr std::size_t kMaxWords = std::size_t{48} * 1024;

  WordCache();
  /// Valid until the next insert.
  std::optional<std::span<const std::int32_t>> find(std::string_view word) const;
  /// `word` must not be in the cache, and at most kMaxWordBytes long.
  void insert(std::string_view word, std::span<const std::int32_t> ids);

 private:
  struct Slot {
    std::uint64_t hash;
    std::uint32_t word_at;
    std::uint32_t ids_at;
    std::uint16_t word_size;
    std::uint16_t ids_size;
    bool used;
  };
  std::size_t slot_of(std::uint64_t hash, std::string_view word) const;

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
  std::string words_;
  std::vector<std::int32_t> ids_;
};

}  // namespace engine
