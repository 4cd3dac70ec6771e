// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/layer_pattern.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <vector>

namespace engine {
namespace {

using Result = LayerPattern::Result;

bool matches(const std::string& pattern, const std::string& name) {
  return LayerPattern(pattern, true).match(name) == Result::match;
}

/// tests/golden/patterns: what Python's re.fullmatch says.
TEST(LayerPattern, AgreesWithPythonsFullMatch) {
  std::ifstream file(PARADIGM_SOURCE_DIR "/tests/golden/patterns/patterns.txt");
  std::vector<std::string> names;
  std::string line;
  while (std::getline(file, line) && !line.empty()) names.push_back(line);
  int rows = 0;
  int positive = 0;
  while (std::getline(file, line)) {
    const std::string expected = line.substr(0, names.size());
    const LayerPattern pattern(line.substr(names.size() + 1), true);
    EXPECT_EQ(pattern.error(), "") << pattern.text();
    for (std::size_t i = 0; i < names.size(); ++i) {
      const Result result = pattern.match(names[i]);
      EXPECT_EQ(result == Result::match, expected[i] == '1')
          << pattern.text() << " on " << names[i];
      EXPECT_NE(result, Result::gave_up) << pattern.text() << " on " << names[i];
      ++rows;
      positive += expected[i] == '1';
    }
  }
  EXPECT_GT(rows, 5000);
  EXPECT_GT(positive, 500);
}

TEST(LayerPattern, MatchesTheWholeNameOnly) {
  EXPECT_TRUE(matches("lm_head", "lm_head"));
  EXPECT_FALSE(matches("lm_head", "lm_head.x"));
  EXPECT_FALSE(matches("lm", "lm_head"));
  EXPECT_TRUE(matches("lm|lm_head", "lm_head"))
      << "alternatives are tried until the end is reached";
}

TEST(LayerPattern, EqualityWithoutRegex) {
  const LayerPattern pattern("model.layers.0", false);
  EXPECT_EQ(pattern.match("model.layers.0"), Result::match);
  EXPECT_EQ(pattern.match("model_layers_0"), Result::no_match);
  EXPECT_EQ(LayerPattern("(", false).error(), "");
}

TEST(LayerPattern, ErrorsHaveAnOffset) {
  for (const auto& [text, offset] : std::vector<std::pair<std::string, std::size_t>>{
           {"abc(", 4}, {"abc)", 3}, {"a[b", 3}, {"*a", 0}, {"a(?P<1>x)", 5}}) {
    const LayerPattern pattern(text, true);
    EXPECT_NE(pattern.error(), "") << text;
    EXPECT_EQ(pattern.error_offset(), offset) << text;
    EXPECT_EQ(pattern.match("abc"), Result::no_match);
  }
  EXPECT_NE(LayerPattern("\\C", true).error(), "");
  EXPECT_NE(LayerPattern("\xff", true).error(), "");
}

TEST(LayerPattern, CatastrophicPatternsGiveUpQuickly) {
  const std::string name =
      "model.layers.0.self_attn.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!";
  const auto begin = std::chrono::steady_clock::now();
  for (const char* text : {"(.*)*x", "(\\w+|\\W+)*x", "((.+)+)+x", "(.|..|...)*x",
                           ".*.*.*.*.*.*.*.*.*.*x", "(?R)?.*(?R)x"}) {
    const LayerPattern pattern(text, true);
    ASSERT_EQ(pattern.error(), "") << text;
    EXPECT_NE(pattern.match(name), Result::match) << text;
  }
  EXPECT_EQ(LayerPattern("(.|..|...)*[xy]", true).match(name), Result::gave_up);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST(LayerPattern, HugePatternsAreErrorsNotCrashes) {
  EXPECT_NE(LayerPattern(std::string(100'000, 'a'), true).error(), "");
  EXPECT_NE(LayerPattern(std::string(10'000, '('), true).error(), "");
  EXPECT_NE(LayerPattern("(a{1000}){1000}{1000}", true).error(), "");
}

}  // namespace
}  // namespace engine
