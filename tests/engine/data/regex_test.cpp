// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/regex.h"

#include "engine/data/regex_pattern.h"
#include "engine/error.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace engine {
namespace {

std::vector<std::string> matches(const std::string& pattern, const std::string& text) {
  RegexScratch scratch;
  std::vector<std::string> found;
  TextPattern::regex(pattern).segments(text, scratch, [&](TextRange range, bool is_match) {
    if (is_match) found.push_back(text.substr(range.begin, range.end - range.begin));
  });
  return found;
}

using Strings = std::vector<std::string>;

TEST(Regex, ClassesFollowTheLibrarysUnicodeVersion) {
  EXPECT_EQ(matches(R"(\p{L}+)", "a\u1C89b1"), Strings{"a\u1C89b"});       // a letter since 16.0
  EXPECT_EQ(matches(R"(\p{Han})", "a\U0002EBF0"), Strings{"\U0002EBF0"});  // since 15.1
  EXPECT_EQ(matches(R"(\s)", "\u180e \u0085"),
            (Strings{" ", "\u0085"}));  // U+180E is no space any more
  EXPECT_EQ(matches(R"([^\s\p{L}\p{N}]+)", "a.\u1C89,\u0301"), (Strings{".", ",\u0301"}));
  EXPECT_EQ(matches(R"([\S]+)", "a b"), (Strings{"a", "b"}));
  EXPECT_EQ(matches(R"(\P{Lu}+)", "aBc"), (Strings{"a", "c"}));
  EXPECT_EQ(matches(R"(\p{^L})", "a1"), Strings{"1"});
}

TEST(Regex, ConstructsMeanWhatTheyMeanInRubysSyntax) {
  EXPECT_EQ(matches(R"(\h+)", "xAf9g"), Strings{"Af9"});
  EXPECT_EQ(matches(R"(\v)", "\n\x0b"), Strings{"\x0b"});
  EXPECT_EQ(matches(R"(a{,2})", "aaab"), (Strings{"aa", "a", ""}));
  EXPECT_EQ(matches(R"([a[x-z]-]+)", "ay-b"), Strings{"ay-"});
  EXPECT_EQ(matches(R"([\s-x])", "- x\n"), (Strings{"-", " ", "x", "\n"}));
  EXPECT_EQ(matches(R"(^a$)", "a\nba\na"), (Strings{"a", "a"}));
  EXPECT_EQ(matches(R"(.+)", "a\r\nb"), (Strings{"a\r", "b"}));
  EXPECT_EQ(matches(R"((?m:.+))", "a\nb"), Strings{"a\nb"});
  EXPECT_EQ(matches(R"(\bfoo\b)", "foo fooé foo_ (foo)"), (Strings{"foo", "foo"}));
  EXPECT_EQ(matches("(?i:'s|'t)", "'S '\u017f 't"), (Strings{"'S", "'\u017f", "'t"}));
  EXPECT_EQ(matches(R"(\u00e9|\x{4e2d}|\x41)", "é中A"), (Strings{"é", "中", "A"}));
}

TEST(Regex, AnEmptyMatchBehindAMatchDoesNotCount) {
  RegexScratch scratch;
  std::vector<TextRange> found;
  TextPattern::regex("x*").segments("axxb", scratch, [&](TextRange range, bool is_match) {
    if (is_match) found.push_back(range);
  });
  EXPECT_EQ(found, (std::vector<TextRange>{{0, 0}, {1, 3}, {4, 4}}));
}

TEST(Regex, WhatCannotKeepItsMeaningIsRefusedByName) {
  const std::pair<const char*, const char*> refused[] = {
      {R"(a{2,3}+)", "{2,3}+"},
      {R"(a{2}?)", "{2}?"},
      {R"([a&&b])", "&&"},
      {R"([[:alpha:]])", "[:"},
      {R"([a[^b]])", "[^"},
      {R"(\p{Greek})", "Greek"},
      {R"(\X)", "\\X"},
      {R"(\Kx)", "\\K"},
      {R"(a(?i)b)", "(?i"},
      {R"((?i:ss))", "\"ss\""},
      {R"((?i:ß))", "ASCII"},
      {R"((?i:\w))", "caseless"},
      {R"((*LIMIT_MATCH=1)a)", "(*"},
      {R"((?R))", "(?R"},
      {R"([a)", "]"},
      {"a\\", "backslash"},
      {R"(\xff)", "7f"},
  };
  for (const auto& [pattern, name] : refused) {
    try {
      pcre2_pattern(pattern);
      ADD_FAILURE() << pattern << " was accepted";
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find(name), std::string::npos)
          << pattern << ": " << error.what();
    }
  }
  EXPECT_THROW(Regex("a(b"), std::invalid_argument);
  EXPECT_THROW(Regex(std::string(100'000, 'a')), std::invalid_argument);
  EXPECT_THROW(TextPattern::literal(""), std::invalid_argument);
}

TEST(Regex, APatternThatBacktracksWithoutBoundIsStopped) {
  EXPECT_THROW(matches("(a+)+[bc]", std::string(200, 'a')), Error);
  EXPECT_THROW(matches(R"((?:a|aa)+[bc])", std::string(5000, 'a')), Error);
}

TEST(Regex, AMegabyteInOneMatchIsWithinTheLimits) {
  const std::string text(1 << 20, 'A');
  EXPECT_EQ(matches(R"(\p{L}+)", text).size(), 1U);
  EXPECT_EQ(
      matches(R"([\p{Lu}\p{Lo}]*[\p{Ll}\p{Lo}]+|[\p{Lu}\p{Lo}]+[\p{Ll}\p{Lo}]*)", text).size(), 1U);
  EXPECT_EQ(matches(R"((?:AA?)+)", text).size(), 1U);
}

}  // namespace
}  // namespace engine
