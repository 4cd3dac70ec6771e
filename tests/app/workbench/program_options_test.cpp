// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workbench/program_options.h"

#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

app::ParsedProgramOptions parse(std::vector<std::string> words) {
  words.insert(words.begin(), "paradigm-workbench");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  return app::parse_program_options(static_cast<int>(argv.size()), argv.data());
}

TEST(ProgramOptions, TakeEverythingTheScriptsUse) {
  const tests::ScratchFolder folder;
  const std::string rules = folder.write("rules.yaml", "").string();
  const std::string run = folder.write("runs/a/run.yaml", "").parent_path().string();
  const auto parsed = parse({"--open", folder.path().string(), rules, "--screenshot", "a.png",
                             "--after", "250", "--theme", "dark", "--size", "1440x900", "--run",
                             run, "--compare", run, "--launch", "--try", "--set", "max_steps=5"});
  ASSERT_FALSE(parsed.exit_code.has_value()) << parsed.text.toStdString();
  EXPECT_EQ(parsed.options.open, (QStringList{QString::fromStdString(folder.path().string()),
                                              QString::fromStdString(rules)}));
  EXPECT_EQ(parsed.options.runs, QStringList{QString::fromStdString(run)});
  EXPECT_EQ(parsed.options.compare, QStringList{QString::fromStdString(run)});
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
  EXPECT_EQ(parse({".", "/"}).options.open.size(), 2);
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

TEST(ProgramOptions, PathsThatAreNotThereAreNamed) {
  for (const char* option : {"--open", "--run", "--compare"}) {
    const auto parsed = parse({option, ".", "/no/such/path"});
    EXPECT_EQ(parsed.exit_code, 2) << option;
    EXPECT_TRUE(parsed.text.contains(QStringLiteral("/no/such/path: there is no such file")))
        << parsed.text.toStdString();
  }
  EXPECT_EQ(parse({"/no/such/path"}).exit_code, 2);
  EXPECT_FALSE(parse({"--run", "ssh://host/data/runs"}).exit_code) << "not asked over the network";
}

TEST(ProgramOptions, PicturesHaveTheNameOfTheirFormat) {
  for (const char* file : {"a.xyz", "a.jpg", "png"}) {
    const auto parsed = parse({"--screenshot", file});
    EXPECT_EQ(parsed.exit_code, 2) << file;
    EXPECT_TRUE(parsed.text.contains(QStringLiteral("ends with .png")))
        << parsed.text.toStdString();
  }
  EXPECT_FALSE(parse({"--screenshot", "A.PNG"}).exit_code);
}

}  // namespace
