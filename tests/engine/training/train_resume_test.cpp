// SPDX-License-Identifier: GPL-3.0-or-later
// A run that goes on from a checkpoint is the run that never stopped, bit for bit.
#include "engine/training/lr_schedule.h"
#include "engine/training/train.h"
#include "tests/support/whole_run.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

namespace engine {
namespace {

namespace fs = std::filesystem;
using tests::events_of_type;
using tests::says;
using tests::state_of;

class TrainResume : public tests::WholeRun {
 protected:
  /// A run that is stopped after every step ends as one that never was.
  void check_resume(RunConfig config);
};

void TrainResume::check_resume(RunConfig wanted) {
  const fs::path through = folder_ / "through";
  const fs::path resumed = folder_ / "resumed";
  wanted.output_dir = through.string();
  ASSERT_TRUE(run(wanted).finished);
  ASSERT_GT(events_of_type<StepLogged>(through).back().epoch, 1.5);

  wanted.output_dir = resumed.string();
  // Every step of the first epochs is a place to stop at: in mid-epoch and exactly at the edges.
  for (std::int64_t step = 1; step <= 11; ++step) {
    const TrainOutcome outcome = run_one_step(wanted);
    ASSERT_TRUE(outcome.stopped);
    ASSERT_EQ(outcome.step, step);
    ASSERT_EQ(outcome.last_checkpoint, "checkpoint-" + std::to_string(step));
  }
  EXPECT_EQ(state_of(resumed), "stopped");
  ASSERT_TRUE(run(wanted).finished);
  EXPECT_TRUE(says(resumed, "resuming from checkpoint-11"));
  expect_same_result(through, resumed, "checkpoint-14");
}

TEST_F(TrainResume, ResumingIsBitExact) { check_resume(config("")); }

TEST_F(TrainResume, ResumingIsBitExactWithTransform) {
  RunConfig wanted = config("");
  wanted.transform_config = (folder_ / "optical.yaml").string();
  check_resume(wanted);
  EXPECT_TRUE(fs::exists(folder_ / "through/simulation_state.safetensors"));
  EXPECT_TRUE(fs::exists(folder_ / "through/transform_histogram.json"));
  EXPECT_EQ(events_of_type<LayerTransformed>(folder_ / "through").size(), 16u);
}

TEST_F(TrainResume, ResumingIsBitExactForAnySavesAccumulationAndLoader) {
  std::mt19937_64 random(31);
  const auto one_of = [&random](std::int64_t low, std::int64_t high) {
    return low + std::int64_t(random() % std::uint64_t(high - low + 1));
  };
  const char* const schedules[] = {"linear", "cosine", "constant_with_warmup"};
  const int rounds = std::getenv("PARADIGM_LONG_TESTS") != nullptr ? 60 : 5;
  for (int round = 0; round < rounds; ++round) {
    RunConfig wanted = config("through");
    if (round % 2 == 0) wanted.transform_config = (folder_ / "optical.yaml").string();
    wanted.bf16 = round % 5 == 3;
    wanted.seed = round;
    wanted.max_steps = one_of(6, 16);
    wanted.save_steps = one_of(1, 7);
    wanted.save_async = one_of(0, 1) == 1;
    wanted.save_total_limit = one_of(1, 3);
    wanted.gradient_accumulation_steps = one_of(1, 4);
    wanted.per_device_train_batch_size = one_of(1, 5);
    wanted.dataloader_num_workers = one_of(0, 2);
    wanted.logging_steps = one_of(1, 4);
    wanted.layer_stats_steps = one_of(0, 3);
    wanted.lr_scheduler_type = schedules[one_of(0, 2)];
    ASSERT_TRUE(run(wanted).finished);
    wanted.output_dir = (folder_ / "resumed").string();
    int stops = 0;
    for (std::int64_t done = 0; done < wanted.max_steps - 1; ++stops) {
      const TrainOutcome outcome = run_one_step(wanted);
      ASSERT_TRUE(outcome.stopped) << outcome.message;
      done = outcome.step;
      if (one_of(0, 2) == 0) break;
    }
    ASSERT_TRUE(run(wanted).finished);
    expect_same_result(folder_ / "through", folder_ / "resumed",
                       "checkpoint-" + std::to_string(wanted.max_steps));
    if (HasFailure()) {
      ADD_FAILURE() << "round " << round << " after " << stops << " stops:\n" << run_yaml(wanted);
      return;
    }
    fs::remove_all(folder_ / "through");
    fs::remove_all(folder_ / "resumed");
  }
}

TEST_F(TrainResume, ResumingIsBitExactInTheMiddleOfARamp) {
  std::string text = tests::kOpticalRules;
  const auto put = [&text](const std::string& old, const std::string& ramp) {
    text.replace(text.find(old), old.size(), ramp);
  };
  put("q_lut_min: 0.020040", "q_lut_min: {from: 0.3, to: 0.001, steps: 13, shape: log}");
  put("q_smooth_factor: 0.9", "q_smooth_factor: {from: 0.5, to: 0.95, steps: 8, shape: cosine}");
  RunConfig wanted = config("");
  wanted.transform_config = folder_.write("ramp.yaml", text).string();
  check_resume(wanted);
  EXPECT_EQ(tests::content_of(folder_ / "resumed/transform.yaml"), text);
  EXPECT_TRUE(says(folder_ / "resumed", "q_lut_min 0.3 → 0.001 over 13 steps, log"));
}

TEST_F(TrainResume, ResumingIsBitExactWithBitFlipsOfAMovingProbability) {
  RunConfig wanted = config("");
  wanted.transform_config = folder_.write("bitflip.yaml", tests::kBitFlipRules).string();
  wanted.layer_stats_steps = 5;
  check_resume(wanted);
  EXPECT_TRUE(says(folder_ / "resumed", "x_p_frac 0.002 → 0.06 over 12 steps, log"));
  double flips = 0;
  for (const LayerStats& each : events_of_type<LayerStats>(folder_ / "through"))
    for (const LayerStat& stat : each.values)
      if (stat.statistic == "x_fraction_flips") flips += stat.value;
  EXPECT_GT(flips, 0);
  wanted = config("plain");
  ASSERT_TRUE(run(wanted).finished);
  EXPECT_NE(events_of_type<StepLogged>(folder_ / "plain").back().loss,
            events_of_type<StepLogged>(folder_ / "through").back().loss);
}

// Where a rule leaves the storage format open it is the compute dtype: then another one is another
// fault model.
TEST_F(TrainResume, AFormatThatFollowsTheComputeDtypeIsPartOfTheTransform) {
  RunConfig wanted = config("run");
  wanted.transform_config = folder_.write("bitflip.yaml", tests::kBitFlipRules).string();
  run_one_step(wanted);
  EXPECT_TRUE(says(folder_ / "run", "storage_dtype of model\\.layers\\.[0-9]+\\..*_proj is fp32"));
  EXPECT_NE(tests::content_of(folder_ / "run/run.yaml")
                .find("\n#   model\\.layers\\.[0-9]+\\..*_proj: storage_dtype fp32\n"),
            std::string::npos);
  wanted.bf16 = true;
  EXPECT_EQ(error_of(wanted), "transform-changed");
  wanted.bf16 = false;
  EXPECT_EQ(run_one_step(wanted).step, 2);

  std::string named = tests::kBitFlipRules;
  named.replace(named.find("    x_p_exp"), 0, "    storage_dtype: fp32\n");
  wanted.transform_config = folder_.write("named.yaml", named).string();
  EXPECT_EQ(run_one_step(wanted).step, 3);  // the same effect
  wanted.bf16 = true;
  EXPECT_EQ(run_one_step(wanted).step, 4);
}

TEST_F(TrainResume, ResumesAnotherRunsCheckpointInANewFolder) {
  RunConfig wanted = config("through");
  wanted.save_steps = 5;
  ASSERT_TRUE(run(wanted).finished);
  wanted.output_dir = (folder_ / "branch").string();
  wanted.resume_from_checkpoint = (folder_ / "through/checkpoint-5").string();
  ASSERT_TRUE(run(wanted).finished);
  for (const char* name : {"model.safetensors", "optimizer.safetensors"}) {
    EXPECT_TRUE(tests::content_of(folder_ / "through/checkpoint-14" / name) ==
                tests::content_of(folder_ / "branch/checkpoint-14" / name));
  }
}

TEST_F(TrainResume, ADamagedNewestCheckpointIsPassedOverAndNamed) {
  RunConfig wanted = config("run");
  for (int step = 1; step <= 3; ++step) run_one_step(wanted);
  std::ofstream(folder_ / "run/checkpoint-3/optimizer.safetensors", std::ios::app) << "x";
  ASSERT_TRUE(run(wanted).finished);
  EXPECT_TRUE(says(folder_ / "run", "checkpoint-3 is passed over"));
  EXPECT_TRUE(says(folder_ / "run", "resuming from checkpoint-2"));
  wanted.output_dir = (folder_ / "through").string();
  ASSERT_TRUE(run(wanted).finished);
  EXPECT_TRUE(tests::content_of(folder_ / "through/model.safetensors") ==
              tests::content_of(folder_ / "run/model.safetensors"));
}

TEST_F(TrainResume, AnotherTransformIsRefusedOnResume) {
  RunConfig wanted = config("run");
  wanted.transform_config = (folder_ / "optical.yaml").string();
  run_one_step(wanted);
  wanted.transform_config = "none";
  EXPECT_EQ(error_of(wanted), "transform-changed");
  wanted.transform_config = (folder_ / "other.yaml").string();  // other text, the same effect
  EXPECT_EQ(run_one_step(wanted).step, 2);
  wanted.transform_config.reset();
  EXPECT_EQ(run_one_step(wanted).step, 3);
  EXPECT_TRUE(says(folder_ / "run", "recorded in the checkpoint is applied again"));
  wanted.transform_config = "none";
  wanted.allow_transform_change = true;
  EXPECT_EQ(run_one_step(wanted).step, 4);
  EXPECT_FALSE(fs::exists(folder_ / "run/checkpoint-4/simulation_state.safetensors"));
  EXPECT_FALSE(fs::exists(folder_ / "run/checkpoint-4/transform.yaml"));
}

TEST_F(TrainResume, OtherTextIsRefusedOnResume) {
  RunConfig wanted = config("run");
  run_one_step(wanted);
  folder_.write("text.txt", tests::tiny_text(1500, 8));
  EXPECT_EQ(error_of(wanted), "data-changed");
}

}  // namespace
}  // namespace engine
