// SPDX-License-Identifier: GPL-3.0-or-later
// Requests to a live run, and saves beside it.
#include "engine/checkpoint/saved_checkpoints.h"
#include "engine/runs/run_folder.h"
#include "engine/runs/run_reader.h"
#include "engine/training/lr_schedule.h"
#include "engine/training/train.h"
#include "tests/support/steered_run.h"
#include "tests/support/whole_run.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace engine {
namespace {

namespace fs = std::filesystem;
using tests::events_of_type;
using tests::says;
using tests::SteeredRun;

class TrainRequests : public tests::WholeRun {};

TEST_F(TrainRequests, RequestsAreObeyed) {
  RunConfig wanted = config("run");
  wanted.max_steps = 100000;
  RunControl control;
  TrainOutcome outcome;
  std::jthread training([&] { outcome = train(wanted, control, {}); });
  const auto wait_for = [&](const std::function<bool()>& condition) {
    for (int tick = 0; tick < 3000 && !condition(); ++tick)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return condition();
  };
  const fs::path dir = folder_ / "run";
  const auto recorded = [&dir] {
    const auto status = RunReader(dir).poll().status;
    return status ? status->state : RunState::unknown;
  };
  ASSERT_TRUE(wait_for([&] { return recorded() == RunState::running; }));
  write_control_request(dir, RunRequest::checkpoint);
  EXPECT_TRUE(wait_for([&] { return !list_checkpoints(dir).empty(); }));
  write_control_request(dir, RunRequest::pause);
  EXPECT_TRUE(wait_for([&] { return recorded() == RunState::paused; }));
  EXPECT_EQ(error_of(wanted), "output-dir-locked");
  const auto steps = events_of_type<StepLogged>(dir).size();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(events_of_type<StepLogged>(dir).size(), steps);
  write_control_request(dir, RunRequest::resume);
  EXPECT_TRUE(wait_for([&] { return events_of_type<StepLogged>(dir).size() > steps; }));
  control.request(RunRequest::stop);
  training.join();
  EXPECT_TRUE(outcome.stopped);
  EXPECT_EQ(outcome.last_checkpoint, "checkpoint-" + std::to_string(outcome.step));
  EXPECT_EQ(recorded(), RunState::stopped);
}

TEST_F(TrainRequests, EveryRequestIsAnsweredUnderItsId) {
  RunConfig wanted = config("run");
  wanted.max_steps = 100000;
  const fs::path dir = folder_ / "run";
  SteeredRun run(wanted);
  ASSERT_TRUE(run.wait_until(RunState::running));
  const std::string pause = write_control_request(dir, RunRequest::pause);
  ASSERT_TRUE(run.wait_for_answer(pause));
  EXPECT_EQ(run.status().state, RunState::paused);
  EXPECT_EQ(run.status().granted_id, pause);
  const std::int64_t paused_at = run.answer_to(pause)->step;

  // A checkpoint while paused is one of a whole step, and is there at once.
  const std::string save = write_control_request(dir, RunRequest::checkpoint);
  ASSERT_TRUE(run.wait_for_answer(save));
  EXPECT_EQ(run.answer_to(save)->text, "Saved checkpoint-" + std::to_string(paused_at));
  EXPECT_FALSE(damage_in(RunFolder{dir}.checkpoint(paused_at), FileCheck::hashes));
  EXPECT_EQ(run.status().state, RunState::paused);

  const std::string less = write_control_request(
      dir, RunExtension{.max_steps = 10, .schedule = ScheduleChange::stretch});
  ASSERT_TRUE(run.wait_for_answer(less));
  EXPECT_EQ(run.answer_to(less)->outcome, "refused");

  const std::string resume = write_control_request(dir, RunRequest::resume);
  ASSERT_TRUE(run.wait_for_answer(resume));
  ASSERT_TRUE(run.wait_until(RunState::running));
  const std::string stop = write_control_request(dir, RunRequest::stop_now);
  const TrainOutcome outcome = run.join();
  EXPECT_TRUE(outcome.stopped);
  EXPECT_TRUE(run.answer_to(stop));
  EXPECT_EQ(outcome.last_checkpoint, "checkpoint-" + std::to_string(paused_at)) << "it stands";
}

/// Extends a run when it pauses, lets it end, and returns the step it was extended at.
std::int64_t extend_in_the_middle(const RunConfig& wanted, const RunExtension& extension) {
  SteeredRun run(wanted);
  EXPECT_TRUE(run.wait_for([&] {
    return fs::exists(fs::path(wanted.output_dir) / "control") ||
           run.status().state == RunState::running;
  }));
  write_control_request(wanted.output_dir, RunRequest::pause);
  EXPECT_TRUE(run.wait_until(RunState::paused));
  const std::string id = write_control_request(wanted.output_dir, extension);
  EXPECT_TRUE(run.wait_for_answer(id));
  EXPECT_EQ(run.answer_to(id)->outcome, "done");
  EXPECT_EQ(run.status().max_steps, extension.max_steps);
  write_control_request(wanted.output_dir, RunRequest::resume);
  EXPECT_TRUE(run.join().finished);
  return run.answer_to(id)->step;
}

TEST_F(TrainRequests, AnExtensionThatContinuesTheScheduleKeepsItsLastRate) {
  RunConfig wanted = config("run");
  wanted.max_steps = 300;
  wanted.logging_steps = 1;
  wanted.warmup_ratio = 0.1;
  wanted.warmup_steps = 0;
  const std::int64_t at = extend_in_the_middle(wanted, {320, ScheduleChange::keep});
  ASSERT_LT(at, 300);
  const auto extended = events_of_type<RunExtended>(folder_ / "run");
  ASSERT_EQ(extended.size(), 1u);
  EXPECT_EQ(extended.front().before, 300);
  EXPECT_EQ(extended.front().step, at);
  EXPECT_TRUE(says(folder_ / "run", "max_steps goes from 300 to 320"));

  // The same run, started with what run.yaml says now: the same bits.
  std::vector<Problem> problems;
  RunConfig again = run_config_from(
      parse_run_yaml(tests::content_of(folder_ / "run/run.yaml"), "run.yaml", problems));
  EXPECT_EQ(again.max_steps, 320);
  EXPECT_EQ(again.lr_schedule_steps, 300);
  again.output_dir = (folder_ / "again").string();
  ASSERT_TRUE(run(again).finished);
  expect_same_result(folder_ / "run", folder_ / "again", "checkpoint-320");
  const auto steps = events_of_type<StepLogged>(folder_ / "run");
  EXPECT_EQ(steps.back().learning_rate, steps[299].learning_rate);
}

TEST_F(TrainRequests, AnExtensionThatStretchesTheScheduleIsResumedExactly) {
  RunConfig wanted = config("run");
  wanted.max_steps = 300;
  wanted.logging_steps = 1;
  wanted.save_steps = 305;
  const std::int64_t at = extend_in_the_middle(wanted, {320, ScheduleChange::stretch});
  const auto steps = events_of_type<StepLogged>(folder_ / "run");
  const LrSchedule before{.type = "linear", .peak = 1e-3, .warmup_steps = 2, .total_steps = 300};
  const LrSchedule after{.type = "linear", .peak = 1e-3, .warmup_steps = 2, .total_steps = 320};
  EXPECT_EQ(steps[std::size_t(at) - 1].learning_rate, before.at(at - 1));
  EXPECT_EQ(steps[std::size_t(at)].learning_rate, after.at(at));
  ASSERT_FALSE(damage_in(RunFolder{folder_ / "run"}.checkpoint(at), FileCheck::hashes));

  // From the checkpoint that the extension made, and from a later one.
  for (const std::int64_t from : {at, std::int64_t{305}}) {
    std::vector<Problem> problems;
    RunConfig again = run_config_from(
        parse_run_yaml(tests::content_of(folder_ / "run/run.yaml"), "run.yaml", problems));
    again.output_dir = (folder_ / ("from" + std::to_string(from))).string();
    again.resume_from_checkpoint = RunFolder{folder_ / "run"}.checkpoint(from).string();
    ASSERT_TRUE(run(again).finished);
    for (const char* name : {"model.safetensors", "optimizer.safetensors"}) {
      EXPECT_TRUE(tests::content_of(folder_ / "run/checkpoint-320" / name) ==
                  tests::content_of(fs::path(again.output_dir) / "checkpoint-320" / name));
    }
  }
}

TEST_F(TrainRequests, ASaveBesideTheTrainingHoldsTheStepItWasStartedAt) {
  RunConfig wanted = config("sync");
  wanted.transform_config = (folder_ / "optical.yaml").string();
  wanted.save_steps = 2;
  wanted.save_async = false;
  ASSERT_TRUE(run(wanted).finished);
  wanted.output_dir = (folder_ / "async").string();
  wanted.save_async = true;
  ASSERT_TRUE(run(wanted).finished);
  for (std::int64_t step = 2; step <= 14; step += 2) {
    const std::string checkpoint = "checkpoint-" + std::to_string(step);
    for (const char* name :
         {"model.safetensors", "optimizer.safetensors", "simulation_state.safetensors"}) {
      EXPECT_TRUE(tests::content_of(folder_ / "sync" / checkpoint / name) ==
                  tests::content_of(folder_ / "async" / checkpoint / name))
          << checkpoint << "/" << name;
    }
  }
  EXPECT_EQ(events_of_type<CheckpointSaved>(folder_ / "async").size(), 7u);
  expect_same_result(folder_ / "sync", folder_ / "async", "checkpoint-14");
}

}  // namespace
}  // namespace engine
