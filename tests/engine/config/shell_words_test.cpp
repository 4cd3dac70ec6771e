// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/shell_words.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace engine {
namespace {

using Words = std::vector<std::string>;

/// The words of the only command.
Words words_of(std::string_view text) {
  const ShellText read = read_shell_text(text);
  EXPECT_TRUE(read.problems.empty()) << read.problems.front().message;
  EXPECT_EQ(read.commands.size(), 1u) << text;
  Words words;
  if (read.commands.empty()) return words;
  for (const ShellWord& word : read.commands.front().words) words.push_back(word.text);
  return words;
}

TEST(ShellWords, QuotesAndEscapesAreReadAsAShellReadsThem) {
  EXPECT_EQ(words_of("a  b\tc"), (Words{"a", "b", "c"}));
  EXPECT_EQ(words_of("'a b' \"c d\" e\\ f"), (Words{"a b", "c d", "e f"}));
  EXPECT_EQ(words_of("'it'\\''s' \"a \\\"b\\\" \\$x \\n\""), (Words{"it's", "a \"b\" $x \\n"}));
  EXPECT_EQ(words_of("--name='' x''y"), (Words{"--name=", "xy"}));
  EXPECT_EQ(words_of("'a # b' c#d # a comment"), (Words{"a # b", "c#d"}));
  EXPECT_EQ(words_of("'\\n' \"line one\nline two\""), (Words{"\\n", "line one\nline two"}));
}

TEST(ShellWords, ALineGoesOnBehindABackslash) {
  EXPECT_EQ(words_of("a \\\n  b \\\r\n  c"), (Words{"a", "b", "c"}));
  EXPECT_EQ(words_of("a \\  \n  b"), (Words{"a", "b"})) << "blanks behind it are an oversight";
  EXPECT_EQ(words_of("ab\\\ncd"), (Words{"abcd"}));
  EXPECT_EQ(words_of("a b \\"), (Words{"a", "b"})) << "copied up to a backslash";
}

TEST(ShellWords, PromptsAndNoBreakSpacesOfPagesDoNotCount) {
  EXPECT_EQ(words_of("$ python a.py"), (Words{"python", "a.py"}));
  EXPECT_EQ(words_of("!python a.py"), (Words{"python", "a.py"}));
  EXPECT_EQ(words_of("a\xC2\xA0"
                     "b"),
            (Words{"a", "b"}));
}

TEST(ShellWords, CommandsEndAtLinesAndOperators) {
  const ShellText read = read_shell_text("cd x && a 1; b 2 | tee log > /dev/null\nc 2>&1 3 &");
  ASSERT_EQ(read.commands.size(), 4u);
  EXPECT_EQ(read.commands[2].words[0].text, "b");
  ASSERT_EQ(read.commands[3].words.size(), 2u) << "the redirection is no word";
  EXPECT_EQ(read.commands[3].words[1].text, "3");
  EXPECT_FALSE(has_errors(read.problems));
  EXPECT_EQ(read.problems.size(), 2u) << "a pipe and a redirection are named";
}

TEST(ShellWords, VariablesThatTheTextAssignsHaveTheirValue) {
  const ShellText read = read_shell_text(
      "MODEL=org/name\nexport DIR=\"out put\"\nX=1 run $MODEL \"$DIR\" ${MODEL}-x ${Y:-7} "
      "'$MODEL'");
  ASSERT_EQ(read.commands.size(), 3u);
  const ShellCommand& run = read.commands[2];
  Words words;
  for (const ShellWord& word : run.words) words.push_back(word.text);
  EXPECT_EQ(words, (Words{"run", "org/name", "out put", "org/name-x", "7", "$MODEL"}));
  ASSERT_EQ(run.assignments.size(), 1u);
  EXPECT_EQ(run.assignments[0].first, "X");
  EXPECT_EQ(words_of("echo --a=b c=d"), (Words{"echo", "--a=b", "c=d"}));

  const ShellText split = read_shell_text("A='--x 1  --y'\nrun $A \"$A\"");
  EXPECT_EQ(split.commands.at(1).words.size(), 5u) << "unquoted, a value is words of its own";
}

TEST(ShellWords, WhatHasNoValueHereIsNamedAtItsWord) {
  const ShellText read = read_shell_text("run $NONE x$(date +%s)y `id` ${A[@]} plain");
  ASSERT_EQ(read.commands.size(), 1u);
  const auto& words = read.commands[0].words;
  ASSERT_EQ(words.size(), 6u);
  EXPECT_EQ(words[1].unknown, "$NONE");
  EXPECT_EQ(words[2].unknown, "$(date +%s)");
  EXPECT_EQ(words[3].unknown, "`id`");
  EXPECT_EQ(words[4].unknown, "${A[@]}");
  EXPECT_EQ(words[5].unknown, "");
}

TEST(ShellWords, WhatIsCutOffOrNoCommandIsOneErrorWithARemedy) {
  for (const char* text : {"a 'b", "a \"b", "a \"$(b", "(a; b)", "ARGS=(--a --b)"}) {
    const ShellText read = read_shell_text(text);
    ASSERT_EQ(read.problems.size(), 1u) << text;
    EXPECT_EQ(read.problems[0].severity, Severity::error) << text;
    EXPECT_FALSE(read.problems[0].remedy.empty()) << text;
  }
  EXPECT_TRUE(has_errors(read_shell_text(std::string_view("a\0b", 3)).problems));
  EXPECT_TRUE(has_errors(read_shell_text(std::string(2 << 20, 'a')).problems));
  EXPECT_TRUE(read_shell_text("").commands.empty());
  EXPECT_TRUE(read_shell_text("  \n # nothing\n").commands.empty());
}

TEST(ShellWords, VariablesThatDoubleThemselvesEnd) {
  std::string bomb = "A=aaaaaaaaaaaaaaaa\n";
  for (int i = 0; i < 64; ++i) bomb += "A=$A$A\n";
  const ShellText read = read_shell_text(bomb + "run $A");
  EXPECT_TRUE(has_errors(read.problems));
}

}  // namespace
}  // namespace engine
