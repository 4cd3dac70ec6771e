// SPDX-License-Identifier: GPL-3.0-or-later
// What a run may find in its output folder, and what it leaves there when it fails.
#include "engine/checkpoint/saved_checkpoints.h"
#include "engine/error.h"
#include "engine/runs/run_folder.h"
#include "engine/training/train.h"
#include "tests/support/whole_run.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <filesystem>
#include <string>

namespace engine {
namespace {

namespace fs = std::filesystem;
using tests::events_of_type;
using tests::state_of;

class TrainFolder : public tests::WholeRun {};

TEST_F(TrainFolder, OutputFolderRules) {
  RunConfig wanted = config("run");
  wanted.max_steps = 2;
  ASSERT_TRUE(run(wanted).finished);
  EXPECT_EQ(error_of(wanted), "output-dir-finished");

  wanted.overwrite_output_dir = true;
  wanted.max_steps = 1;
  ASSERT_TRUE(run(wanted).finished);
  EXPECT_FALSE(fs::exists(folder_ / "run/checkpoint-2"));
  EXPECT_TRUE(fs::exists(folder_ / "run/checkpoint-1"));
  EXPECT_EQ(events_of_type<RunStarted>(folder_ / "run").size(), 1u);

  wanted = config("foreign");
  folder_.write("foreign/thesis.tex", "mine");
  EXPECT_EQ(error_of(wanted), "output-dir-not-empty");
  EXPECT_EQ(tests::content_of(folder_ / "foreign/thesis.tex"), "mine");
  EXPECT_FALSE(fs::exists(folder_ / "foreign/run.lock"));

  wanted = config("locked");
  fs::create_directories(folder_ / "locked");
  {
    const auto lock = RunLock::acquire(folder_ / "locked");
    ASSERT_TRUE(lock);
    EXPECT_EQ(error_of(wanted), "output-dir-locked");
  }
  wanted = config("text.txt");
  EXPECT_EQ(error_of(wanted), "bad-output-dir");
  wanted = config("text.txt/below");
  EXPECT_EQ(error_of(wanted), "cannot-write");
}

TEST_F(TrainFolder, OverwritingNeverRemovesWhatIsNoRuns) {
  RunConfig wanted = config("model");  // the checkpoint it starts from
  wanted.overwrite_output_dir = true;
  const std::string weights = tests::content_of(folder_ / "model/model.safetensors");
  EXPECT_EQ(error_of(wanted), "output-dir-is-source");
  EXPECT_TRUE(tests::content_of(folder_ / "model/model.safetensors") == weights);

  wanted.output_dir = (folder_ / "other").string();
  folder_.write("other/config.json", "{}");
  EXPECT_EQ(error_of(wanted), "output-dir-not-a-run");
  EXPECT_EQ(tests::content_of(folder_ / "other/config.json"), "{}");

  wanted.output_dir = (folder_ / "devices").string();
  folder_.write("devices/transform.mine.pt", "a module of somebody");
  EXPECT_EQ(error_of(wanted), "output-dir-not-a-run");
  EXPECT_EQ(tests::content_of(folder_ / "devices/transform.mine.pt"), "a module of somebody");

  wanted.output_dir = (folder_ / "trainer").string();
  folder_.write("trainer/checkpoint-500/trainer_state.json", "{}");
  EXPECT_EQ(error_of(wanted), "output-dir-not-a-run");
  EXPECT_TRUE(fs::exists(folder_ / "trainer/checkpoint-500/trainer_state.json"));

  // A run that starts from its own folder's checkpoint.
  RunConfig first = config("run");
  first.max_steps = 1;
  ASSERT_TRUE(run(first).finished);
  first.model_name_or_path = (folder_ / "run/checkpoint-1").string();
  first.overwrite_output_dir = true;
  EXPECT_EQ(error_of(first), "output-dir-is-source");
  EXPECT_TRUE(fs::exists(folder_ / "run/checkpoint-1/model.safetensors"));
}

TEST_F(TrainFolder, ARefusedFolderKeepsWhatWasInIt) {
  folder_.write("foreign/.trash-mine/letter.txt", "kept");
  EXPECT_EQ(error_of(config("foreign")), "output-dir-not-empty");
  EXPECT_EQ(tests::content_of(folder_ / "foreign/.trash-mine/letter.txt"), "kept");

  fs::create_symlink("nowhere", folder_ / "link");
  EXPECT_EQ(error_of(config("link")), "cannot-write");
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  fs::create_symlink("loop", folder_ / "loop");
  EXPECT_EQ(error_of(config("loop")), "cannot-write");
  EXPECT_TRUE(fs::is_symlink(folder_ / "loop"));
}

TEST_F(TrainFolder, WhatFailsBeforeTheFirstStepLeavesNothingBehind) {
  RunConfig wanted = config("deep/er/run");
  wanted.model_name_or_path = (folder_ / "nowhere").string();
  EXPECT_NE(error_of(wanted), "");
  EXPECT_FALSE(fs::exists(folder_ / "deep"));

  wanted = config("deep/er/run");
  wanted.transform_config =
      folder_
          .write("frozen.yaml",
                 std::string(tests::kOpticalRules)
                     .replace(std::string(tests::kOpticalRules).find("q_bypass: false"), 15,
                              "mode: freeze"))
          .string();
  EXPECT_NE(error_of(wanted),
            "");  // found by the first forward pass: ranges that were never observed
  EXPECT_FALSE(fs::exists(folder_ / "deep"));

  wanted = config("deep/er/run");
  RunControl control;
  EXPECT_THROW(train(wanted, control, [](const std::string&, double, double) { return false; }),
               Error);
  EXPECT_FALSE(fs::exists(folder_ / "deep"));

  std::string huge = tests::content_of(folder_ / "model/config.json");
  for (const auto& [from, to] :
       {std::pair{"\"hidden_size\": 32", "\"hidden_size\": 65536"},
        std::pair{"\"num_hidden_layers\": 2", "\"num_hidden_layers\": 900"}}) {
    ASSERT_NE(huge.find(from), std::string::npos);
    huge.replace(huge.find(from), std::string(from).size(), to);
  }
  wanted.model_name_or_path.reset();
  wanted.config_name = folder_.write("huge/config.json", huge).string();
  wanted.tokenizer_name = (folder_ / "model").string();
  EXPECT_EQ(error_of(wanted), "too-little-memory");
  EXPECT_FALSE(fs::exists(folder_ / "deep"));

  setenv("WORLD_SIZE", "2", 1);
  EXPECT_EQ(error_of(wanted), "distributed");
  unsetenv("WORLD_SIZE");
}

TEST_F(TrainFolder, ADiskThatRefusesASaveEndsTheRunAsFailedWithTheLastCheckpointNamed) {
  RunConfig wanted = config("run");
  run_one_step(wanted);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 20000, .rlim_max = before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const TrainOutcome outcome = run(wanted);
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_TRUE(outcome.failed);
  EXPECT_EQ(outcome.last_checkpoint, "checkpoint-1");
  EXPECT_NE(outcome.message.find("checkpoint-14"), std::string::npos) << outcome.message;
  EXPECT_EQ(state_of(folder_ / "run"), "failed");
  EXPECT_EQ(events_of_type<RunFailed>(folder_ / "run").front().last_checkpoint, "checkpoint-1");
  EXPECT_FALSE(damage_in(folder_ / "run/checkpoint-1", FileCheck::hashes));
  EXPECT_EQ(list_checkpoints(folder_ / "run").size(), 1u);
  EXPECT_TRUE(run(wanted).finished);  // and goes on once there is room
}

TEST_F(TrainFolder, RotationAndEpochSaves) {
  RunConfig wanted = config("run");
  wanted.save_strategy = "epoch";
  wanted.save_total_limit = 2;
  ASSERT_TRUE(run(wanted).finished);
  const auto saved = events_of_type<CheckpointSaved>(folder_ / "run");
  ASSERT_GE(saved.size(), 2u);
  EXPECT_EQ(list_checkpoints(folder_ / "run").size(), std::min<std::size_t>(2, saved.size()));
  EXPECT_EQ(list_checkpoints(folder_ / "run").back().step, 14);
}

}  // namespace
}  // namespace engine
