// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/compare/run_condition.h"

#include "engine/error.h"

#include <gtest/gtest.h>

#include <map>

namespace {

using engine::RunCondition;

bool holds(const std::string& text) {
  const std::map<std::string, double> values{{"loss", 2}, {"eval_loss", 2.5}};
  return RunCondition::parse(text, "filter")->holds([&](const std::string& name) {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  });
}

TEST(RunCondition, ComparesExpressions) {
  EXPECT_TRUE(holds("loss < eval_loss"));
  EXPECT_FALSE(holds("loss > eval_loss"));
  EXPECT_TRUE(holds("eval_loss <= loss + 0.5"));
  EXPECT_TRUE(holds("eval_loss >= loss * 1.25"));
  EXPECT_TRUE(holds("loss = 2"));
  EXPECT_TRUE(holds("loss == 2"));
  EXPECT_FALSE(holds("loss != 2"));
  EXPECT_FALSE(holds("missing < 5")) << "what is not known holds nothing";
  EXPECT_FALSE(holds("missing != 5"));
}

TEST(RunCondition, SaysWhatItCannotRead) {
  EXPECT_FALSE(RunCondition::parse("loss", "filter").has_value());
  EXPECT_FALSE(RunCondition::parse("5!", "filter").has_value());
  EXPECT_THROW(RunCondition::parse("loss <", "filter"), engine::Error);
  EXPECT_THROW(RunCondition::parse("< 3", "filter"), engine::Error);
  EXPECT_THROW(RunCondition::parse("loss < 2 < 3", "filter"), engine::Error);
  EXPECT_EQ(RunCondition::parse("a + b < c", "filter")->names(),
            (std::vector<std::string>{"a", "b", "c"}));
}

}  // namespace
