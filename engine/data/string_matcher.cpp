// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/string_matcher.h"

namespace engine {

const std::uint32_t* StringMatcher::child(std::uint32_t node, unsigned char byte) const {
  for (const auto& [key, target] : nodes_[node].children)
    if (key == byte) return &target;
  return nullptr;
}

void StringMatcher::add(std::string_view text, std::int32_t value) {
  starts_[static_cast<unsigned char>(text[0])] = true;
  std::uint32_t node = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (const std::uint32_t* next = child(node, byte)) {
      node = *next;
      continue;
    }
    const auto created = static_cast<std::uint32_t>(nodes_.size());
    nodes_[node].children.emplace_back(byte, created);
    nodes_.emplace_back();
    node = created;
  }
  if (nodes_[node].value < 0) nodes_[node].value = value;
}

std::optional<StringMatcher::Match> StringMatcher::find(std::string_view text,
                                                        std::size_t from) const {
  if (empty()) return std::nullopt;
  for (std::size_t begin = from; begin < text.size(); ++begin) {
    if (!starts_[static_cast<unsigned char>(text[begin])]) continue;
    std::optional<Match> longest;
    std::uint32_t node = 0;
    for (std::size_t at = begin; at < text.size(); ++at) {
      const std::uint32_t* next = child(node, static_cast<unsigned char>(text[at]));
      if (next == nullptr) break;
      node = *next;
      if (nodes_[node].value >= 0) longest = Match{begin, at + 1, nodes_[node].value};
    }
    if (longest) return longest;
  }
  return std::nullopt;
}

}  // namespace engine
