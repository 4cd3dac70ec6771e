// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/block_grouper.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace engine {
namespace {

using Ids = std::vector<std::int32_t>;

std::vector<Ids> grouped(const std::vector<Ids>& texts, std::int64_t block_size) {
  std::vector<Ids> blocks;
  BlockGrouper grouper(block_size, [&](std::span<const std::int32_t> block) {
    blocks.emplace_back(block.begin(), block.end());
  });
  for (const Ids& text : texts) grouper.add(text);
  return blocks;
}

TEST(BlockGrouper, JoinsTextsAndDropsTheRemainder) {
  EXPECT_EQ(grouped({{1, 2}, {}, {3}, {4, 5, 6, 7, 8}}, 3),
            (std::vector<Ids>{{1, 2, 3}, {4, 5, 6}}));
  EXPECT_EQ(grouped({{1, 2, 3}}, 3), (std::vector<Ids>{{1, 2, 3}}));
  EXPECT_TRUE(grouped({{1, 2}}, 3).empty());
}

TEST(BlockGrouper, StartsAnewAfterEveryThousandTexts) {
  std::vector<Ids> texts;
  for (std::int32_t i = 0; i < 2001; ++i) texts.push_back({i});
  const std::vector<Ids> blocks = grouped(texts, 300);
  ASSERT_EQ(blocks.size(), 6u);
  for (std::size_t i = 0; i < 6; ++i) {
    Ids expected(300);
    std::iota(expected.begin(), expected.end(),
              static_cast<std::int32_t>(i / 3 * 1000 + i % 3 * 300));
    EXPECT_EQ(blocks[i], expected);
  }
}

TEST(BlockGrouper, RemembersTheLongestMapBatch) {
  BlockGrouper grouper(100, [](std::span<const std::int32_t>) {});
  for (int i = 0; i < 1000; ++i) grouper.add(Ids{1, 2});
  EXPECT_EQ(grouper.longest_map_batch(), 2000);
  grouper.add(Ids{1, 2, 3});
  EXPECT_EQ(grouper.longest_map_batch(), 2000);
  EXPECT_EQ(grouper.texts(), 1001);
}

}  // namespace
}  // namespace engine
