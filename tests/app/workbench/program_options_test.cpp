// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/program_options.h"

#include <gtest/gtest.h>

namespace {

app::ParsedProgramOptions parse(std::vector<std::string> words) {
  words.insert(words.begin(), "paradigm-workbench");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  return app::parse_program_options(static_cast<int>(argv.size()), argv.data());
}

TEST(ProgramOptions, TakeEverythingTheScriptsUse) {
  const auto parsed = parse({"--open", "ck", "rules.yaml", "--screenshot", "a.png", "--after",
                             "250", "--theme", "dark", "--size", "1440x900", "--run", "runs/a",
                             "--launch", "--try", "--set", "max_steps=5"});
  ASSERT_FALSE(parsed.exit_code.has_value()) << parsed.text.toStdString();
  EXPECT_EQ(parsed.options.open, (QStringList{QStringLiteral("ck"), QStringLiteral("rules.yaml")}));
  EXPECT_EQ(parsed.options.runs, QStringList{QStringLiteral("runs/a")});
  EXPECT_EQ(parsed.options.screenshot, QStringLiteral("a.png"));
  EXPECT_EQ(parsed.options.after_ms, 250);
  EXPECT_EQ(parsed.options.theme, widgets::Theme::dark);
  EXPECT_EQ(parsed.options.size, QSize(1440, 900));
  EXPECT_TRUE(parsed.options.launch);
  EXPECT_TRUE(parsed.options.try_it);
  EXPECT_FALSE(parsed.options.scan);
  EXPECT_FALSE(parsed.options.estimate);
  EXPECT_EQ(parsed.options.settings, QStringList{QStringLiteral("max_steps=5")});
}

TEST(ProgramOptions, PathsWithoutAFlagAreOpened) {
  EXPECT_EQ(parse({"ck", "rules.yaml"}).options.open.size(), 2);
}

TEST(ProgramOptions, HelpNamesEveryOption) {
  const auto parsed = parse({"--help"});
  EXPECT_EQ(parsed.exit_code, 0);
  for (const char* option :
       {"--open", "--run", "--launch", "--try", "--scan", "--estimate", "--set", "--theme",
        "--size", "--screenshot", "--after", "--workspace", "--panel", "--demo", "--version"}) {
    EXPECT_TRUE(parsed.text.contains(QLatin1String(option))) << option;
  }
}

TEST(ProgramOptions, AWrongValueEndsWithCodeTwoAndSaysWhich) {
  const auto parsed = parse({"--size", "big"});
  EXPECT_EQ(parsed.exit_code, 2);
  EXPECT_TRUE(parsed.text.contains(QStringLiteral("big"))) << parsed.text.toStdString();
  EXPECT_EQ(parse({"--theme", "pink"}).exit_code, 2);
  EXPECT_EQ(parse({"--no-such-option"}).exit_code, 2);
}

}  // namespace
