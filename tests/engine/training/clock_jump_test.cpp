// SPDX-License-Identifier: GPL-3.0-or-later
// The wall clock is set while a run trains: it lives as long as its process, and nothing it
// computes looks at the clock.
#include "engine/runs/process_identity.h"
#include "engine/runs/run_catalog.h"
#include "engine/runs/run_reader.h"
#include "engine/runs/run_record.h"
#include "engine/training/train.h"
#include "tests/support/run_truth.h"
#include "tests/support/settable_clock.h"
#include "tests/support/tiny_training.h"

#include <ATen/Parallel.h>

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <thread>

namespace engine {
namespace {

constexpr std::int64_t kSteps = 60;
constexpr long kDay = 86400;

bool lives(RunState state) {
  return state == RunState::starting || state == RunState::running || state == RunState::stopping;
}

class ClockJump : public tests::TinyTraining {
 protected:
  ClockJump() : TinyTraining(1200, {.layers = 1}) {
    folder_.write("rules.yaml", "layer_name_to_config:\n  default: {q_levels: 64}\n");
  }
  ~ClockJump() override { tests::clock_offset = 0; }

  RunConfig config(const std::string& run) const {
    RunConfig config = training(run);
    config.transform_config = (folder_ / "rules.yaml").string();
    config.max_steps = kSteps;
    config.logging_steps = 1;
    config.save_steps = 10;
    return config;
  }
};

TEST_F(ClockJump, TheStateIsTrueAndTheBitsAreTheSameWhereverTheClockIsSetTo) {
  RunControl control;
  ASSERT_TRUE(train(config("through"), control, {}).finished);
  const double before = unix_time();
  tests::clock_offset = kDay;
  ASSERT_GT(unix_time(), before + 0.9 * kDay) << "the clock of this program can be set";
  tests::clock_offset = 0;

  RunReader watcher(folder_ / "jumped");
  RunRecord record;
  int looks = 0;
  long jumps = 0;
  const auto look = [&] {
    const RunUpdate update = watcher.poll();
    record.apply(update);
    if (record.status && !record.finished) {
      EXPECT_TRUE(lives(update.state)) << to_string(update.state) << ": " << update.detail;
      const ObservedState once = observe_state(folder_ / "jumped");
      EXPECT_TRUE(lives(once.state) || once.state == RunState::finished)
          << to_string(once.state) << ": " << once.detail;
      ++looks;
    }
  };
  TrainOutcome outcome;
  std::atomic<bool> has_ended = false;
  std::jthread training([&] {
    at::set_num_threads(1);
    outcome = train(config("jumped"), control, {});
    has_ended = true;
  });
  while (!has_ended) {
    look();
    // Back and forth by up to three days, at every third step.
    const long at = record.status ? record.status->step / 3 : 0;
    if (at > jumps) {
      ++jumps;
      tests::clock_offset = (jumps % 2 == 0 ? -1 : 1) * (jumps % 4) * kDay;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  training.join();
  look();
  EXPECT_TRUE(outcome.finished) << outcome.message;
  EXPECT_GT(looks, 5);
  EXPECT_GT(jumps, 2);
  EXPECT_EQ(observe_state(folder_ / "jumped").state, RunState::finished);
  tests::expect_same_end(folder_ / "through", folder_ / "jumped", kSteps);
  ASSERT_TRUE(record.finished);
  EXPECT_GE(record.finished->seconds, 0);
  EXPECT_LT(record.finished->seconds, 600);
  for (const StepLogged& step : record.steps) {
    EXPECT_GT(step.tokens_per_second, 0) << step.step;
    EXPECT_TRUE(std::isfinite(step.tokens_per_second)) << step.step;
  }
}

TEST_F(ClockJump, ARunStoppedInTheFutureIsResumedInThePast) {
  tests::clock_offset = 3 * kDay;
  RunControl control;
  RunConfig first = config("run");
  first.max_steps = 30;
  ASSERT_TRUE(train(first, control, {}).finished);
  tests::clock_offset = -3 * kDay;
  RunConfig more = config("run");
  more.resume_from_checkpoint = "true";
  int looks = 0;
  std::atomic<bool> has_ended = false;
  std::jthread training([&] {
    at::set_num_threads(1);
    RunControl own;
    EXPECT_TRUE(train(more, own, {}).finished);
    has_ended = true;
  });
  RunReader watcher(folder_ / "run");
  while (!has_ended) {
    const RunUpdate update = watcher.poll();
    EXPECT_NE(update.state, RunState::interrupted) << update.detail;
    EXPECT_NE(update.state, RunState::unknown) << update.detail;
    looks += update.state == RunState::running;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  training.join();
  EXPECT_GT(looks, 0) << "it was seen to run";
  EXPECT_EQ(watcher.poll().state, RunState::finished);
  EXPECT_EQ(read_record(folder_ / "run").steps.size(), std::size_t(kSteps));
}

}  // namespace
}  // namespace engine
