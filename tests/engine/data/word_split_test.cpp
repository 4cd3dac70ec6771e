// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/word_split.h"

#include "engine/data/regex.h"
#include "engine/data/unicode_classes.h"
#include "engine/utf8.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace engine {
namespace {

using NextWord = std::size_t (*)(std::string_view, const unsigned char*);

std::vector<std::string> by_hand(NextWord next_word, std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t length = next_word(text, char_classes());
    words.emplace_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return words;
}

std::vector<std::string> by_pattern(const TextPattern& pattern, const std::string& text) {
  RegexScratch scratch;
  std::vector<std::string> words;
  pattern.segments(text, scratch, [&](TextRange range, bool is_match) {
    EXPECT_TRUE(is_match) << "the pattern leaves a gap";
    words.push_back(text.substr(range.begin, range.end - range.begin));
  });
  return words;
}

// Everything the two patterns look at, often; any other character, sometimes.
std::string random_text(std::mt19937_64& random) {
  static const std::vector<std::string> common = {" ",      " ",
                                                  "  ",     "\n",
                                                  "\r",     "\t",
                                                  "\u00a0", "\u3000",
                                                  "\u0085", "'",
                                                  "s",      "S",
                                                  "t",      "re",
                                                  "VE",     "m",
                                                  "lL",     "d",
                                                  "\u017f", "a",
                                                  "Z",      "é",
                                                  "中",     "한",
                                                  "\u0301", "1",
                                                  "23",     "½",
                                                  "٣",      "𝟘",
                                                  "\u2160", ".",
                                                  "!?",     "-",
                                                  "_",      "😀",
                                                  "\u200d", "\u180e",
                                                  "\u200b", "'s",
                                                  "'S",     "l",
                                                  "r",      "v",
                                                  "e",      std::string(1, '\0')};
  std::string text;
  for (std::uint64_t i = 1 + random() % 24; i > 0; --i) {
    if (random() % 5 != 0) {
      text += common[random() % common.size()];
      continue;
    }
    char32_t c = random() % 2 == 0 ? random() % 0x3000 : random() % (kMaxCodePoint + 1);
    if (c >= 0xD800 && c < 0xE000) c = 'x';
    append_utf8(text, c);
  }
  return text;
}

void expect_agreement(NextWord next_word, std::string_view pattern, std::uint64_t seed) {
  const TextPattern regex = TextPattern::regex(pattern);
  std::mt19937_64 random(seed);
  const int count = std::getenv("PARADIGM_LONG_TESTS") != nullptr ? 500'000 : 10'000;
  for (int i = 0; i < count; ++i) {
    const std::string text = random_text(random);
    ASSERT_EQ(by_hand(next_word, text), by_pattern(regex, text)) << testing::PrintToString(text);
  }
}

TEST(WordSplit, Gpt2AgreesWithItsPatternOnRandomUnicode) {
  expect_agreement(next_gpt2_word, kGpt2Pattern, 1);
}

TEST(WordSplit, Llama3AgreesWithItsPatternOnRandomUnicode) {
  expect_agreement(next_llama3_word, kLlama3Pattern, 2);
}

TEST(WordSplit, Gpt2KeepsOneSpaceWithTheWordBehindIt) {
  EXPECT_EQ(by_hand(next_gpt2_word, "it's   12 ok!\n\n x"),
            (std::vector<std::string>{"it", "'s", "  ", " 12", " ok", "!", "\n\n", " x"}));
}

TEST(WordSplit, Llama3CutsNumbersInThreesAndKeepsNewlinesTogether) {
  EXPECT_EQ(by_hand(next_llama3_word, "1234 IT'S \n\n  x.\n"),
            (std::vector<std::string>{"123", "4", " IT", "'S", " \n\n", " ", " x", ".\n"}));
}

}  // namespace
}  // namespace engine
