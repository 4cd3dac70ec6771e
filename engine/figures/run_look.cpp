// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/figures/run_look.h"

#include <cstdint>

namespace engine {
namespace {

/// FNV-1a: the same on every machine and in every version.
std::uint64_t number_of(const std::string& key) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char byte : key) {
    hash ^= static_cast<unsigned char>(byte);
    hash *= 0x100000001b3u;
  }
  return hash;
}

/// From `first` on, around, the entry with the fewest.
template <std::size_t n>
int least_used(const std::array<int, n>& counts, int first) {
  int best = first;
  for (int i = 1; i < static_cast<int>(n); ++i) {
    const int at = (first + i) % static_cast<int>(n);
    if (counts[static_cast<std::size_t>(at)] < counts[static_cast<std::size_t>(best)]) best = at;
  }
  return best;
}

}  // namespace

int RunLooks::of(const std::string& key, std::optional<int> remembered) {
  const auto known = known_.find(key);
  if (known != known_.end()) return known->second;
  const bool is_remembered = remembered && *remembered >= 0 && *remembered < kLooks;
  const int color = is_remembered
                        ? color_of_look(*remembered)
                        : least_used(colors_, static_cast<int>(number_of(key) % kLookColors));
  std::array<int, kLookShapes> rows{};
  for (int row = 0; row < kLookShapes; ++row)
    rows[static_cast<std::size_t>(row)] =
        looks_[static_cast<std::size_t>(color + row * kLookColors)];
  const int row = least_used(rows, is_remembered ? *remembered / kLookColors : 0);
  const int look = color + row * kLookColors;
  ++colors_[static_cast<std::size_t>(color)];
  ++looks_[static_cast<std::size_t>(look)];
  known_.emplace(key, look);
  return look;
}

}  // namespace engine
