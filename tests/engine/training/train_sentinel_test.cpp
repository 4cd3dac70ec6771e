// SPDX-License-Identifier: GPL-3.0-or-later
// Runs that diverge, and clean ones that raise no alarm.
#include "engine/checkpoint/checkpoint_weights.h"
#include "engine/checkpoint/saved_checkpoints.h"
#include "engine/model/llama_config.h"
#include "engine/training/train.h"
#include "tests/support/steered_run.h"
#include "tests/support/whole_run.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <string>
#include <vector>

namespace engine {
namespace {

namespace fs = std::filesystem;
using tests::events_of_type;
using tests::says;
using tests::SteeredRun;

class TrainSentinel : public tests::WholeRun {};

TEST_F(TrainSentinel, TheSentinelNamesThePoisonedLayerAndDoesAsItIsTold) {
  LlamaConfig model = read_llama_config(folder_ / "model/config.json");
  std::vector<std::string> none;
  TensorMap weights = load_weights(folder_ / "model", model, at::kCPU, none);
  weights.at("model.layers.1.mlp.up_proj.weight").view({-1})[7] =
      std::numeric_limits<float>::quiet_NaN();
  write_tensors(folder_ / "model/model.safetensors", NamedTensors(weights.begin(), weights.end()));

  RunConfig wanted = config("mark");
  wanted.transform_config = (folder_ / "optical.yaml").string();
  const TrainOutcome marked = run(wanted);
  ASSERT_TRUE(marked.finished) << marked.message;
  const auto seen = events_of_type<DivergenceSeen>(folder_ / "mark");
  ASSERT_EQ(seen.size(), 1u) << "once, not at every log";
  EXPECT_EQ(seen.front().kind, "non_finite");
  EXPECT_EQ(seen.front().step, 3);
  EXPECT_EQ(seen.front().layer, "model.layers.1.mlp.up_proj") << seen.front().text;
  EXPECT_EQ(seen.front().action, "mark");

  wanted = config("off");
  wanted.sentinel = "off";
  ASSERT_TRUE(run(wanted).finished);
  EXPECT_TRUE(events_of_type<DivergenceSeen>(folder_ / "off").empty());

  wanted = config("stop");
  wanted.sentinel = "stop";
  const TrainOutcome outcome = run(wanted);
  EXPECT_TRUE(outcome.stopped);
  EXPECT_EQ(outcome.step, 3);
  EXPECT_TRUE(list_checkpoints(folder_ / "stop").empty());
  EXPECT_TRUE(says(folder_ / "stop", "are not finite and are not saved"));

  wanted = config("pause");
  wanted.sentinel = "pause";
  SteeredRun paused(wanted);
  ASSERT_TRUE(paused.wait_until(RunState::paused));
  EXPECT_EQ(paused.status().step, 3);
  write_control_request(folder_ / "pause", RunRequest::stop_now);
  EXPECT_TRUE(paused.join().stopped);
}

TEST_F(TrainSentinel, TheSentinelStopsAtASpikeWithACheckpoint) {
  RunConfig wanted = config("run");
  wanted.max_steps = 60;
  wanted.logging_steps = 1;
  wanted.learning_rate = 1e-5;
  wanted.sentinel = "stop";
  wanted.sentinel_spike = 1e-9;  // any rise of the loss is one
  const TrainOutcome outcome = run(wanted);
  EXPECT_TRUE(outcome.stopped);
  EXPECT_GT(outcome.step, 16);
  EXPECT_LT(outcome.step, 60);
  EXPECT_EQ(outcome.last_checkpoint, "checkpoint-" + std::to_string(outcome.step));
  EXPECT_EQ(events_of_type<DivergenceSeen>(folder_ / "run").front().kind, "loss_spike");
}

TEST_F(TrainSentinel, CleanShortRunsRaiseNoAlarm) {
  const int runs = std::getenv("PARADIGM_LONG_TESTS") != nullptr ? 200 : 6;
  for (int i = 0; i < runs; ++i) {
    RunConfig wanted = config("run" + std::to_string(i));
    wanted.seed = i;
    wanted.max_steps = 60;
    wanted.logging_steps = 1;
    wanted.layer_stats_steps = 10;
    wanted.learning_rate = i % 2 == 0 ? 1e-3 : 5e-3;
    if (i % 3 == 1) wanted.transform_config = (folder_ / "optical.yaml").string();
    if (i % 3 == 2) {
      wanted.transform_config = folder_.write("bitflip.yaml", tests::kBitFlipRules).string();
    }
    ASSERT_TRUE(run(wanted).finished);
    for (const DivergenceSeen& seen : events_of_type<DivergenceSeen>(wanted.output_dir)) {
      ADD_FAILURE() << i << " at step " << seen.step << ": " << seen.text;
    }
    fs::remove_all(wanted.output_dir);
  }
}

}  // namespace
}  // namespace engine
