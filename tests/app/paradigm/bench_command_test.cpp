// SPDX-License-Identifier: GPL-3.0-or-later
// `paradigm bench` on bad input, through the built program: one clear message that names the flag,
// exit code 2, before a step is taken.
#include "tests/support/program_run.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using tests::ProgramRun;
using tests::ScratchFolder;

ProgramRun bench(const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"bench", "--flavor", "debug", "--device", "cpu"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return tests::run_program(PARADIGM_BIN_DIR "/paradigm", arguments, "", PARADIGM_SOURCE_DIR);
}

void expect_refused(const std::vector<std::string>& flags, const std::vector<std::string>& words) {
  const ProgramRun result = bench(flags);
  EXPECT_EQ(result.exit_code, 2) << flags.at(0) << "\n" << result.out << result.err;
  EXPECT_EQ(result.out, "") << "something was measured";
  for (const std::string& word : words) {
    EXPECT_NE(result.err.find(word), std::string::npos) << word << " is not in: " << result.err;
  }
}

TEST(BenchCommand, NumbersOutOfRangeAreRefusedByFlagAndValue) {
  const std::string flags[] = {"batch_size", "seq_len", "threads", "rounds",
                               "repeats",    "steps",   "warmup",  "layer_stats_steps"};
  std::vector<std::string> words;
  for (const std::string value : {"-1", "99999999999999999999", "1.5", "nan", "many"}) {
    std::vector<std::string> all;
    for (const std::string& flag : flags) all.insert(all.end(), {"--" + flag + "=" + value});
    words.assign(std::begin(flags), std::end(flags));
    words.push_back(value);
    expect_refused(all, words);
  }
}

TEST(BenchCommand, AStepThatDoesNotFitNamesWhatToLower) {
  expect_refused({"--batch_size", "1048576", "--seq_len", "65536"},
                 {"--batch_size", "at least", "GB are free", "lower --batch_size (1048576 now)",
                  "lower --seq_len (65536 now)"});
}

TEST(BenchCommand, ThreadsByTheThousandAreRefused) {
  expect_refused({"--threads", "4096"}, {"--threads", "4096", "processors", "at most"});
}

TEST(BenchCommand, FilesThatCannotBeUsedAreRefusedBeforeAStep) {
  const ScratchFolder scratch;
  const std::string file = scratch.write("file.json", "{\"a\": 1}").string();
  expect_refused({"--profile", file}, {"--profile", file, "is not a folder"});
  expect_refused({"--profile", ""}, {"profile"});
  expect_refused({"--against", file}, {file, "paradigm bench --json"});
  expect_refused({"--against", scratch.path().string()}, {scratch.path().string()});
  expect_refused({"--against", (scratch / "nowhere.json").string()}, {"nowhere.json"});
  expect_refused({"--transform_config", (scratch / "nowhere.yaml").string()}, {"nowhere.yaml"});
  const std::string shipped = "configs/transforms/optical_linear_only.yaml";
  expect_refused({"--transform_config", shipped, "configs/../" + shipped},
                 {"--transform_config", "given twice"});
}

TEST(BenchCommand, AnInterruptEndsItAtOnceAndLeavesNothing) {
  const ScratchFolder scratch;
  const fs::path traces = scratch / "traces";
  const ProgramRun result = tests::run_program(
      "/usr/bin/timeout",
      {"-s", "INT", "3", PARADIGM_BIN_DIR "/paradigm", "bench", "--flavor", "debug", "--device",
       "cpu", "--repeats", "1048576", "--json", "--profile", traces.string()},
      "", PARADIGM_SOURCE_DIR);
  EXPECT_EQ(result.exit_code, 124) << "timeout's own: the program was there to be interrupted";
  EXPECT_EQ(result.out, "") << "half a report is none";
  EXPECT_FALSE(fs::exists(traces));
}

}  // namespace
