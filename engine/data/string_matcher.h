// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace engine {

/// Finds any of a set of strings: the leftmost place, and the longest string there.
class StringMatcher {
 public:
  struct Match {
    std::size_t begin;
    std::size_t end;
    std::int32_t value;
  };

  /// `text` must not be empty. A string added twice keeps its first value.
  void add(std::string_view text, std::int32_t value);
  bool empty() const { return nodes_.size() == 1; }
  std::optional<Match> find(std::string_view text, std::size_t from) const;

 private:
  struct Node {
    std::vector<std::pair<unsigned char, std::uint32_t>> children;
    std::int32_t value = -1;
  };
  const std::uint32_t* child(std::uint32_t node, unsigned char byte) const;

  std::vector<Node> nodes_ = std::vector<Node>(1);
  std::array<bool, 256> starts_{};
};

}  // namespace engine
