// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/fuzzy_match.h"

#include <gtest/gtest.h>

namespace {

using widgets::fuzzy_score;

int score(const char* query, const char* text) {
  return fuzzy_score(QString::fromUtf8(query), QString::fromUtf8(text));
}

TEST(FuzzyScore, NeedsEveryLetterInOrder) {
  EXPECT_GT(score("sv", "Save"), 0);
  EXPECT_EQ(score("vs", "Save"), 0);
  EXPECT_EQ(score("savee", "Save"), 0);
  EXPECT_GT(score("", "anything"), 0);
  EXPECT_EQ(score("a", ""), 0);
}

TEST(FuzzyScore, WordsBeginningsAndRunsCountMore) {
  EXPECT_GT(score("sa", "Save as"), score("sa", "Message"));
  EXPECT_GT(score("mr", "Make a rule"), score("mr", "Number"));
  EXPECT_GT(score("rule", "Make a rule"), score("rule", "r u l e"));
  EXPECT_GT(score("save", "Save"), score("save", "Save as under another name"));
}

TEST(FuzzyScore, FindsLayersByTheirParts) {
  EXPECT_GT(score("l3 q", "model.layers.3.self_attn.q_proj"), 0);
  EXPECT_GT(score("q_proj", "model.layers.3.self_attn.q_proj"),
            score("q_proj", "model.layers.3.self_attn.qkv.proj"));
}

}  // namespace
