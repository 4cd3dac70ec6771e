// SPDX-License-Identifier: GPL-3.0-or-later
// What an estimate says and how it holds, loosely: the machine that runs the tests is a busy one.
// tests/benchmarks/estimate_benchmark measures the errors.
#include "engine/training/estimate.h"

#include "engine/error.h"
#include "engine/runs/run_record.h"
#include "engine/training/train.h"
#include "tests/support/tiny_training.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace engine {
namespace {

namespace fs = std::filesystem;

class EstimateTest : public tests::TinyTraining {
 protected:
  EstimateTest() : TinyTraining(20000, {.hidden_size = 64, .intermediate_size = 128}) {
    folder_.write("optical.yaml", R"(use_regex: true
layer_name_to_config:
  model\.layers\.[0-9]+\.self_attn: &all
    q_levels: 256
  model\.layers\.[0-9]+\.mlp\.(gate|up|down)_proj: *all
  .*_proj: null
  lm_head: null
)");
  }

  RunConfig config() const {
    RunConfig config = training("run");
    config.transform_config = (folder_ / "optical.yaml").string();
    config.do_eval = true;
    config.block_size = 64;
    config.per_device_train_batch_size = 8;
    config.gradient_accumulation_steps = 2;
    config.max_steps = 40;
    config.save_steps = 15;
    config.layer_stats_steps = 10;
    return config;
  }
};

TEST_F(EstimateTest, HoldsWithinLooseBoundsAndIsRecordedBesideWhatCameOfIt) {
  RunConfig wanted = config();
  const CostEstimate estimated = estimate(wanted, {}, {});
  EXPECT_FALSE(fs::exists(folder_ / "run"));
  for (const auto& entry : fs::directory_iterator(folder_.path())) {
    EXPECT_FALSE(entry.path().filename().string().starts_with(".paradigm")) << entry.path();
  }
  EXPECT_EQ(estimated.max_steps, 40);
  EXPECT_EQ(estimated.tokens_per_step, 8 * 2 * 64);
  EXPECT_GT(estimated.slowdown, 1);
  ASSERT_EQ(estimated.rules.size(), 2u);
  EXPECT_EQ(estimated.rules[0].layers, 2);
  EXPECT_EQ(estimated.rules[1].layers, 6);
  EXPECT_TRUE(estimated.fits);
  EXPECT_EQ(estimated.kept_checkpoints, 3);
  EXPECT_GT(estimated.evaluation_seconds, 0);

  wanted.prediction = estimated.prediction();
  RunControl control;
  ASSERT_TRUE(train(wanted, control, {}).finished);
  const RunRecord record = read_record(folder_ / "run");
  ASSERT_TRUE(record.cost);
  EXPECT_EQ(record.cost->predicted_seconds, estimated.total_seconds);
  EXPECT_LT(record.cost->step_seconds, 6 * estimated.step_seconds);
  EXPECT_GT(record.cost->step_seconds, estimated.step_seconds / 6);
  EXPECT_NEAR(double(record.cost->checkpoint_bytes), double(estimated.checkpoint_bytes),
              0.1 * double(estimated.checkpoint_bytes));
  ASSERT_GT(estimated.peak_bytes, 0);
  EXPECT_NEAR(double(record.cost->peak_bytes), double(estimated.peak_bytes),
              0.3 * double(estimated.peak_bytes));
}

TEST_F(EstimateTest, CountsStepsFromTheTextWhenNoneAreGiven) {
  RunConfig wanted = config();
  wanted.max_steps = -1;
  wanted.num_train_epochs = 2;
  wanted.transform_config = "none";
  const CostEstimate estimated = estimate(wanted, {.per_rule = false}, {});
  EXPECT_GT(estimated.max_steps, 10);
  EXPECT_TRUE(estimated.rules.empty());
  EXPECT_EQ(estimated.slowdown, 1);
}

TEST_F(EstimateTest, FitsTheMicroBatchIntoAMemoryLimitAndKeepsTheGlobalBatch) {
  RunConfig wanted = config();
  wanted.transform_config = "none";
  wanted.per_device_train_batch_size = 256;
  wanted.gradient_accumulation_steps = 1;
  wanted.do_eval = false;
  const CostEstimate whole = estimate(wanted, {.probe_steps = 2, .per_rule = false}, {});
  const EstimateOptions tight{.probe_steps = 2,
                              .per_rule = false,
                              .memory_limit = whole.peak_bytes - whole.peak_bytes / 20};
  EXPECT_FALSE(estimate(wanted, tight, {}).fits);
  EstimateOptions fitting = tight;
  fitting.fit = true;
  const CostEstimate fitted = estimate(wanted, fitting, {});
  EXPECT_TRUE(fitted.fits);
  EXPECT_LT(fitted.batch_size, 256);
  EXPECT_EQ(fitted.batch_size * fitted.accumulation, 256);
  EXPECT_LE(fitted.peak_bytes, tight.memory_limit);
}

TEST_F(EstimateTest, RefusesWhatTheRunWouldRefuse) {
  RunConfig wanted = config();
  wanted.model_name_or_path = (folder_ / "nowhere").string();
  EXPECT_THROW(estimate(wanted, {}, {}), Error);
  wanted = config();
  EXPECT_THROW(estimate(wanted, {}, [](const std::string&, double, double) { return false; }),
               Error);
}

TEST(SmallerMicroBatch, KeepsTheGlobalBatch) {
  using Pair = std::pair<std::int64_t, std::int64_t>;
  EXPECT_EQ(smaller_micro_batch(8, 2), Pair(4, 4));
  EXPECT_EQ(smaller_micro_batch(9, 1), Pair(3, 3));
  EXPECT_EQ(smaller_micro_batch(7, 3), Pair(3, 7));
  EXPECT_EQ(smaller_micro_batch(2, 1), Pair(1, 2));
  EXPECT_EQ(smaller_micro_batch(1, 16), Pair(0, 0));
}

/// A step of a large model takes long; a cancel does not wait for its end.
TEST_F(EstimateTest, ACancelIsHeardBetweenTwoMicroBatches) {
  RunConfig wanted = config();
  wanted.do_eval = false;
  wanted.gradient_accumulation_steps = 8;
  int heard = 0;
  int at_cancel = 0;
  const auto cancels_late = [&](const std::string& stage, double, double) {
    ++heard;
    if (stage != "probing steps") return true;
    if (at_cancel == 0) at_cancel = heard + 3;
    return heard < at_cancel;
  };
  try {
    estimate(wanted, {.per_rule = false}, cancels_late);
    FAIL() << "not cancelled";
  } catch (const Error& error) {
    EXPECT_EQ(error.problems().front().id, "cancelled");
  }
  EXPECT_EQ(heard, at_cancel) << "asked 3 times more within one step of 8 micro-batches";
}

}  // namespace
}  // namespace engine
