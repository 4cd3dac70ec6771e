// SPDX-License-Identifier: GPL-3.0-or-later
// `paradigm train` with its engine: what a run leaves behind is what the next command takes.
#include "tests/support/program_run.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_llama.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
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
    return paradigm_in(scratch_.path(), arguments);
  }
  ProgramRun paradigm_in(const fs::path& folder, const std::vector<std::string>& arguments) const {
    return tests::run_program(PARADIGM_BIN_DIR "/paradigm", arguments, "", folder,
                              {"XDG_CACHE_HOME=" + (scratch_ / "cache").string()});
  }
  /// Makes the finished run look as if it had been killed after step 4 of 6.
  void cut_short(const fs::path& run) const {
    fs::remove_all(run / "checkpoint-6");
    fs::remove(run / "model.safetensors");
    fs::remove(run / "status.json");
    const std::string events = content_of(run / "events.jsonl");
    std::ofstream(run / "events.jsonl", std::ios::trunc)
        << events.substr(0, events.rfind('\n', events.find("\"step\":6")) + 1);
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

TEST_F(TrainCommand, ARunGoesOnFromAnyWorkingFolderAndWhereItWasMovedTo) {
  const auto arguments = train_arguments({"--save_steps", "2", "--output_dir", "first"});
  ASSERT_EQ(paradigm(arguments).exit_code, 0);
  const std::string undisturbed = content_of(scratch_ / "first/model.safetensors");
  fs::create_directories(scratch_ / "home");
  fs::create_directories(scratch_ / "disk");

  cut_short(scratch_ / "first");
  const ProgramRun shown =
      paradigm_in(scratch_ / "home", {"runs", "show", (scratch_ / "first").string(), "--json"});
  EXPECT_EQ(json::parse(shown.out).at("state"), "interrupted") << shown.out;
  const ProgramRun there =
      paradigm_in(scratch_ / "home", {"train", "--config", (scratch_ / "first/run.yaml").string()});
  ASSERT_EQ(there.exit_code, 0) << there.err;
  EXPECT_TRUE(content_of(scratch_ / "first/model.safetensors") == undisturbed);
  EXPECT_TRUE(fs::is_empty(scratch_ / "home")) << "no second run beside it";

  const std::string settings = content_of(scratch_ / "first/run.yaml");
  EXPECT_NE(settings.find("train_file: text.txt\n"), std::string::npos) << "told as before";
  EXPECT_NE(settings.find("# Relative paths start in: " + scratch_.path().string() + "\n"),
            std::string::npos)
      << settings;

  // Moved, it goes on where it is.
  cut_short(scratch_ / "first");
  fs::rename(scratch_ / "first", scratch_ / "disk/moved");
  const ProgramRun moved =
      paradigm_in("/", {"train", "--config", (scratch_ / "disk/moved").string()});
  ASSERT_EQ(moved.exit_code, 0) << moved.err;
  EXPECT_TRUE(content_of(scratch_ / "disk/moved/model.safetensors") == undisturbed);
  EXPECT_FALSE(fs::exists(scratch_ / "first"));
}

TEST_F(TrainCommand, ARunGoesOnWithTheTransformThatItAppliedWhateverBecameOfTheFile) {
  ASSERT_EQ(paradigm(train_arguments({"--save_steps", "2", "--output_dir", "first"})).exit_code, 0);
  const std::string undisturbed = content_of(scratch_ / "first/model.safetensors");
  cut_short(scratch_ / "first");
  scratch_.write("optical.yaml", "layer_name_to_config:\n  default: {q_levels: 8}\n");
  const ProgramRun resumed = paradigm({"train", "--config", "first/run.yaml"});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_NE(resumed.err.find("optical.yaml: warning: it has changed since the run"),
            std::string::npos)
      << resumed.err;
  EXPECT_TRUE(content_of(scratch_ / "first/model.safetensors") == undisturbed);
  const ProgramRun again = paradigm({"train", "--config", "first", "--output_dir", "again"});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_TRUE(content_of(scratch_ / "again/model.safetensors") == undisturbed) << "repeated";
}

TEST_F(TrainCommand, ACopyOfARunElsewhereIsNotTrainedOn) {
  ASSERT_EQ(paradigm(train_arguments({"--output_dir", "first"})).exit_code, 0);
  cut_short(scratch_ / "first");
  scratch_.write("first/remote.json", R"({"address": "ssh://lab1/home/me/first", "lock": "free"})");
  const ProgramRun run = paradigm({"train", "--config", "first"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_NE(run.err.find("a copy of a run on another machine, ssh://lab1/home/me/first"),
            std::string::npos)
      << run.err;
  EXPECT_FALSE(fs::exists(scratch_ / "first/checkpoint-6"));
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
