// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/layer_groups.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <string_view>

namespace engine {
namespace {

constexpr std::string_view kBlocks = "model.layers.";

using Blocks = std::set<int>;
/// Kinds of layer by their name within a block ("mlp.up_proj"), in order of appearance.
struct ByKind {
  std::vector<std::string> kinds;
  std::map<std::string, Blocks> blocks;
  std::vector<std::string> outside;
};

ByKind by_kind(const std::vector<std::string>& layers) {
  ByKind result;
  for (const std::string& layer : layers) {
    int block = -1;
    const char* end = layer.data() + layer.size();
    const bool is_in_block =
        layer.compare(0, kBlocks.size(), kBlocks) == 0 &&
        std::from_chars(layer.data() + kBlocks.size(), end, block).ec == std::errc();
    const std::size_t dot = is_in_block ? layer.find('.', kBlocks.size()) : std::string::npos;
    if (dot == std::string::npos) {
      result.outside.push_back(layer);
      continue;
    }
    const std::string kind = layer.substr(dot + 1);
    if (result.blocks.find(kind) == result.blocks.end()) result.kinds.push_back(kind);
    result.blocks[kind].insert(block);
  }
  return result;
}

std::size_t common_start(const std::vector<std::string>& words) {
  std::size_t size = 0;
  while (std::all_of(words.begin(), words.end(), [&](const std::string& word) {
    return size < word.size() && word[size] == words.front()[size];
  }))
    ++size;
  return size;
}

std::string reversed(std::string text) {
  std::reverse(text.begin(), text.end());
  return text;
}

/// "mlp.*_proj" where these are all kinds that it could mean, else "mlp.{gate,up}_proj".
std::string kinds_text(const std::vector<std::string>& kinds, const std::vector<std::string>& all) {
  if (kinds.size() == 1) return kinds.front();
  std::vector<std::string> backwards;
  for (const std::string& kind : kinds) backwards.push_back(reversed(kind));
  const std::string tail = reversed(backwards.front().substr(0, common_start(backwards)));
  const std::string head = kinds.front().substr(0, common_start(kinds));
  const auto shortest = std::min_element(
      kinds.begin(), kinds.end(), [](const auto& a, const auto& b) { return a.size() < b.size(); });
  if (head.size() + tail.size() > shortest->size())
    return fmt::format("{{{}}}", fmt::join(kinds, ","));
  const auto could_mean = std::count_if(all.begin(), all.end(), [&](const std::string& kind) {
    return kind.size() >= head.size() + tail.size() && kind.compare(0, head.size(), head) == 0 &&
           kind.compare(kind.size() - tail.size(), tail.size(), tail) == 0;
  });
  if (static_cast<std::size_t>(could_mean) == kinds.size())
    return head.empty() && tail.empty() ? "layers in blocks" : head + "*" + tail;
  std::vector<std::string> middles;
  for (const std::string& kind : kinds)
    middles.push_back(kind.substr(head.size(), kind.size() - head.size() - tail.size()));
  return fmt::format("{}{{{}}}{}", head, fmt::join(middles, ","), tail);
}

/// "block 3", "blocks 0–4 and 7".
std::string blocks_text(const Blocks& blocks) {
  std::vector<std::string> ranges;
  for (auto it = blocks.begin(); it != blocks.end();) {
    const int from = *it;
    int to = from;
    while (++it != blocks.end() && *it == to + 1) to = *it;
    ranges.push_back(from == to ? std::to_string(from) : fmt::format("{}–{}", from, to));
  }
  std::string text = ranges.back();
  if (ranges.size() > 1) {
    ranges.pop_back();
    text = fmt::format("{} and {}", fmt::join(ranges, ", "), text);
  }
  return (blocks.size() == 1 ? "block " : "blocks ") + text;
}

}  // namespace

std::string layers_text(const std::vector<std::string>& layers,
                        const std::vector<std::string>& all) {
  if (layers.empty()) return "";
  if (layers.size() == 1 && all.size() > 1) return layers.front();
  if (layers.size() == all.size()) return fmt::format("all {} layers", all.size());
  const ByKind some = by_kind(layers);
  const ByKind every = by_kind(all);
  // Kinds of the same blocks are named together.
  std::map<Blocks, std::vector<std::string>> groups;
  std::vector<Blocks> order;
  for (const std::string& kind : some.kinds) {
    const Blocks& blocks = some.blocks.at(kind);
    if (groups.find(blocks) == groups.end()) order.push_back(blocks);
    groups[blocks].push_back(kind);
  }
  std::vector<std::string> texts;
  for (const Blocks& blocks : order) {
    const auto& kinds = groups.at(blocks);
    const bool is_all = std::all_of(kinds.begin(), kinds.end(), [&](const std::string& kind) {
      return every.blocks.at(kind) == blocks;
    });
    texts.push_back(fmt::format("{}{} {}{}", is_all ? "all " : "", kinds.size() * blocks.size(),
                                kinds_text(kinds, every.kinds),
                                is_all ? "" : " in " + blocks_text(blocks)));
  }
  texts.insert(texts.end(), some.outside.begin(), some.outside.end());
  return fmt::format("{}", fmt::join(texts, ", "));
}

}  // namespace engine
