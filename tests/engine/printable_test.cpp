// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/printable.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

TEST(Printable, KeepsWellFormedText) {
  EXPECT_EQ(printable("model.layers.0 ü 層 🙂"), "model.layers.0 ü 層 🙂");
}

TEST(Printable, ShowsControlCharactersAsNumbers) {
  EXPECT_EQ(printable(std::string_view("a\n\0\x7f", 4)), "a\\x0a\\x00\\x7f");
}

TEST(Printable, ShowsBrokenUtf8AsNumbers) {
  EXPECT_EQ(printable("\xFF"), "\\xff");
  EXPECT_EQ(printable("\xC0\x80"), "\\xc0\\x80");
  EXPECT_EQ(printable("\xE2\x82"), "\\xe2\\x82");
  EXPECT_EQ(printable("\xED\xA0\x80"), "\\xed\\xa0\\x80");
  EXPECT_EQ(printable("\xF4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(printable("\xE0\x9F\xBF"), "\\xe0\\x9f\\xbf");
}

TEST(ShellQuoted, QuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(shell_quoted("/a/b-c_d.e=1:@%+,"), "/a/b-c_d.e=1:@%+,");
  EXPECT_EQ(shell_quoted(""), "''");
  EXPECT_EQ(shell_quoted("a b"), "'a b'");
  EXPECT_EQ(shell_quoted("it's $HOME"), "'it'\\''s $HOME'");
}

TEST(Printable, CutsLongTextBetweenCharacters) {
  EXPECT_EQ(printable(std::string(1000, 'x'), 5), "xxxxx…");
  EXPECT_EQ(printable("ääää", 5), "äää…");
  EXPECT_EQ(printable("xxxxx", 5), "xxxxx");
}

}  // namespace
}  // namespace engine
