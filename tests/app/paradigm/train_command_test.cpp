// SPDX-License-Identifier: GPL-3.0-or-later
// `paradigm train` with its engine: what a run leaves behind is what the next command takes.
#include "tests/support/program_run.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_llama.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using tests::content_of;
using tests::ProgramRun;

class TrainCommand : public testing::Test {
 protected:
  TrainCommand() {
    tests::write_tiny_llama(scratch_ / "model");
    scratch_.write("text.txt", tests::tiny_text(4000));
    scratch_.write("optical.yaml",
                   "use_regex: true\nlayer_name_to_config:\n  lm_head: null\n  default:\n    "
                   "q_levels: 256\n");
  }

  /// In the scratch folder, so that a default output folder is made there.
  ProgramRun paradigm(const std::vector<std::string>& arguments) const {
    return tests::run_program(PARADIGM_BIN_DIR "/paradigm", arguments, "", scratch_.path(),
                              {"XDG_CACHE_HOME=" + (scratch_ / "cache").string()});
  }

  std::vector<std::string> train_arguments(const std::vector<std::string>& more) const {
    std::vector<std::string> all = {
        "train",       "--model_name_or_path", "model", "--train_file",
        "text.txt",    "--block_size",         "16",    "--bf16",
        "false",       "--max_steps",          "6",     "--device",
        "cpu",         "--logging_steps",      "2",     "--transform_config",
        "optical.yaml"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  tests::ScratchFolder scratch_;
};

TEST_F(TrainCommand, ARunsOwnYamlRunsAgainToTheSameWeights) {
  const ProgramRun first = paradigm(train_arguments({"--output_dir", "first"}));
  ASSERT_EQ(first.exit_code, 0) << first.err;
  const ProgramRun again =
      paradigm({"train", "--config", "first/run.yaml", "--output_dir", "again"});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  for (const char* name : {"model.safetensors", "simulation_state.safetensors", "config.json",
                           "transform.yaml", "transform_histogram.json"}) {
    ASSERT_TRUE(fs::exists(scratch_ / "first" / name)) << name;
    EXPECT_TRUE(content_of(scratch_ / "first" / name) == content_of(scratch_ / "again" / name))
        << name;
  }
  // The folder itself is taken too, and the command line wins over its file.
  const ProgramRun shorter =
      paradigm({"train", "--config", "first", "--output_dir", "shorter", "--max_steps", "2"});
  ASSERT_EQ(shorter.exit_code, 0) << shorter.err;
  EXPECT_TRUE(fs::exists(scratch_ / "shorter/checkpoint-2"));
}

TEST_F(TrainCommand, WithoutOutputDirTheFolderIsNamedAtStartAndEnd) {
  const ProgramRun run = paradigm(train_arguments({}));
  ASSERT_EQ(run.exit_code, 0) << run.err;
  std::vector<fs::path> made(fs::directory_iterator(scratch_ / "runs"), fs::directory_iterator());
  ASSERT_EQ(made.size(), 1u);
  const std::string folder = "runs/" + made[0].filename().string();
  EXPECT_EQ(folder.rfind("runs/model-optical-2", 0), 0u) << folder;
  const std::string line = "run folder: " + folder + "\n";
  EXPECT_EQ(run.out.rfind(line, 0), 0u) << run.out;
  EXPECT_EQ(run.out.substr(run.out.size() - line.size()), line) << run.out;
}

TEST_F(TrainCommand, WhatARunLeavesIsShownExportedPlannedAndInspected) {
  ASSERT_EQ(paradigm(train_arguments({"--output_dir", "run"})).exit_code, 0);
  const json shown = json::parse(paradigm({"runs", "show", "run", "--json"}).out);
  EXPECT_EQ(shown["state"], "finished");
  EXPECT_EQ(shown["configuration"]["max_steps"], 6);
  EXPECT_EQ(shown["last_metrics"]["step"], 6);
  EXPECT_EQ(shown["checkpoints"].size(), 1u);

  const std::string csv = paradigm({"runs", "export", "run", "--csv"}).out;
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 4) << csv;  // a header, steps 2, 4 and 6

  const json inspected = json::parse(paradigm({"inspect", "run", "--json"}).out);
  EXPECT_EQ(inspected["transform"]["file"], "transform.yaml");
  EXPECT_EQ(inspected["problems"].size(), 0u) << inspected["problems"];

  const json plan =
      json::parse(paradigm({"plan", "model", "--transform_config", "optical.yaml", "--json"}).out);
  EXPECT_EQ(plan["histogram"], json::parse(content_of(scratch_ / "run/transform_histogram.json")));
}

TEST_F(TrainCommand, TrainsFromAConfigurationAlone) {
  const ProgramRun run = paradigm({"train", "--config_name", "model/config.json", "--train_file",
                                   "text.txt", "--block_size", "16", "--max_steps", "2", "--device",
                                   "cpu", "--output_dir", "fresh", "--json"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(json::parse(run.out)["state"], "finished");
  EXPECT_FALSE(content_of(scratch_ / "fresh/model.safetensors") ==
               content_of(scratch_ / "model/model.safetensors"));
}

}  // namespace
