// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/program.h"

#include "tests/support/program_run.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

namespace {

using nlohmann::json;
using tests::ProgramRun;

ProgramRun paradigm_run(const std::vector<std::string>& arguments,
                        const std::vector<std::string>& environment = {}) {
  return tests::run_program(PARADIGM_BIN_DIR "/paradigm", arguments, "", {}, environment);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const char* const kCommands[] = {"devices", "eval",     "inspect", "plan", "runs",
                                 "scan",    "tokenize", "train",   "try"};

TEST(Program, HelpListsEveryCommandWithExamples) {
  const ProgramRun run = paradigm_run({"--help"});
  EXPECT_EQ(run.exit_code, 0);
  for (const char* command : kCommands) EXPECT_TRUE(contains(run.out, command)) << command;
  EXPECT_TRUE(contains(run.out, "Examples:"));
  EXPECT_EQ(run.err, "");
}

TEST(Program, EveryCommandHasHelpWithAnExample) {
  for (const char* command : kCommands) {
    const ProgramRun run = paradigm_run({command, "--help"});
    EXPECT_EQ(run.exit_code, 0) << command;
    const std::string examples = run.out.substr(run.out.find("Examples:"));
    EXPECT_TRUE(contains(examples, std::string("paradigm ") + command)) << run.out;
  }
}

TEST(Program, ThePathsInTheExamplesExist) {
  std::size_t found = 0;
  for (const char* command : kCommands) {
    const std::string help = paradigm_run({command, "--help"}).out;
    std::istringstream words(help.substr(help.find("Examples:")));
    for (std::string word; words >> word;) {
      if (word.rfind("resources/", 0) != 0 && word.rfind("configs/", 0) != 0) continue;
      ++found;
      EXPECT_TRUE(std::filesystem::exists(std::filesystem::path(PARADIGM_SOURCE_DIR) / word))
          << command << ": " << word;
    }
  }
  EXPECT_GE(found, 8u);
}

TEST(Program, EveryCommandTakesJson) {
  std::vector<std::vector<std::string>> all;
  for (const char* command : kCommands) {
    if (command != std::string("runs")) all.push_back({command});
  }
  for (const char* command : {"list", "show", "watch", "export"}) all.push_back({"runs", command});
  for (auto& words : all) {
    words.emplace_back("--help");
    EXPECT_TRUE(contains(paradigm_run(words).out, "--json")) << words[words.size() - 2];
  }
}

TEST(Program, HelpFitsIntoAHundredColumns) {
  const ProgramRun run = paradigm_run({"train", "--help"});
  const std::string options = run.out.substr(0, run.out.find("Examples:"));
  std::size_t begin = 0;
  for (std::size_t end; (end = options.find('\n', begin)) != std::string::npos; begin = end + 1) {
    EXPECT_LE(end - begin, 100u) << options.substr(begin, end - begin);
  }
}

TEST(Program, WhatNeedsNoTensorsLoadsNeitherLibTorchNorQt) {
  using Words = std::vector<std::string>;
  for (const Words& words : {Words{"--help"}, Words{"train", "--help"}, Words{"runs", "list"}}) {
    const ProgramRun run = paradigm_run(words, {"LD_DEBUG=files"});
    EXPECT_EQ(run.exit_code, 0);
    EXPECT_TRUE(contains(run.err, "libengine_model")) << "the loader's report is missing";
    for (const char* library : {"libtorch", "libc10", "libparadigm_engine", "libQt"}) {
      EXPECT_FALSE(contains(run.err, library)) << library;
    }
  }
}

TEST(Program, VersionIsPrinted) {
  const ProgramRun run = paradigm_run({"--version"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.out.rfind("paradigm ", 0), 0u);
}

TEST(Program, UnknownWordsNameTheNearestKnownOne) {
  const auto expect = [](const std::vector<std::string>& arguments, const std::string& nearest) {
    const ProgramRun run = paradigm_run(arguments);
    EXPECT_EQ(run.exit_code, 2);
    EXPECT_TRUE(contains(run.err, "Did you mean " + nearest + "?")) << run.err;
    EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
    EXPECT_FALSE(contains(run.err, "\033")) << "no colours in a file";
  };
  expect({"trian"}, "train");
  expect({"runs", "lists"}, "list");
  expect({"train", "--learning_rates", "1"}, "--learning_rate");
  expect({"train", "--block-sizes=3"}, "--block_size");
  expect({"runs", "show", "x", "--jsn"}, "--json");
}

TEST(Program, WhatFollowsTwoDashesIsNotPassedOver) {
  const ProgramRun run = paradigm_run({"runs", "list", "--", "--jsn"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_TRUE(contains(run.err, "--jsn")) << run.err;
}

TEST(Program, ProblemsAreInTheJsonToo) {
  const ProgramRun run = paradigm_run(
      {"train", "--max_steps", "many", "--fp16", "--lr_scheduler_type", "cosin", "--json"});
  EXPECT_EQ(run.exit_code, 2);
  const json problems = json::parse(run.out).at("problems");
  ASSERT_EQ(problems.size(), 3u);
  EXPECT_EQ(problems[0].at("file"), "--max_steps");
  EXPECT_EQ(problems[0].at("severity"), "error");
  for (const char* key : {"id", "line", "column", "message", "remedy"}) {
    EXPECT_TRUE(problems[0].contains(key)) << key;
  }
  EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 3);
}

TEST(Program, ARefusedFlagSaysWhy) {
  const ProgramRun run =
      paradigm_run({"train", "--model_name_or_path", "m", "--train_file", "t", "--fp16"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_TRUE(contains(run.err, "fp16")) << run.err;
  EXPECT_TRUE(contains(run.err, "not supported")) << run.err;
}

TEST(Program, SeveralProcessesAreRefusedByName) {
  const ProgramRun run =
      paradigm_run({"train", "--model_name_or_path", "m", "--train_file", "t"}, {"WORLD_SIZE=2"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_TRUE(contains(run.err, "WORLD_SIZE is 2")) << run.err;
}

TEST(Program, AConfigFileIsReadWithPlacesAndTheCommandLineWins) {
  const tests::ScratchFolder folder;
  const auto file = folder.write(
      "run.yaml", "model_name_or_path: m\ntrain_file: t\nmax_steps: many\nlogging_stepz: 3\n");
  const ProgramRun bad = paradigm_run({"train", "--config", file.string()});
  EXPECT_EQ(bad.exit_code, 2);
  EXPECT_TRUE(contains(bad.err, file.string() + ":3")) << bad.err;
  EXPECT_TRUE(contains(bad.err, "logging_steps")) << bad.err;
  const ProgramRun absent = paradigm_run({"train", "--config", (folder / "no.yaml").string()});
  EXPECT_EQ(absent.exit_code, 2);
  EXPECT_TRUE(contains(absent.err, "no.yaml")) << absent.err;
  folder.write("run.yaml", "config_name: c\ntrain_file: t\n");
  const ProgramRun both =
      paradigm_run({"train", "--config", folder.path().string(), "--model_name_or_path", "m"});
  EXPECT_TRUE(contains(both.err, "model_name_or_path and config_name are both given")) << both.err;
}

}  // namespace
