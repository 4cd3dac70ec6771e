// SPDX-License-Identifier: GPL-3.0-or-later
// A whole training in the terminal, with the fake engine instead of LibTorch.
#include "app/paradigm/train_session.h"

#include "engine/error.h"
#include "engine/runs/run_catalog.h"
#include "tests/support/fake_engine.h"
#include "tests/support/program_run.h"
#include "tests/support/scratch_folder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>

namespace paradigm {
namespace {

using tests::content_of;
using tests::FakeEngine;
using tests::FakeRun;
using tests::ProgramRun;
using tests::ScratchFolder;

engine::RunConfig config_in(const ScratchFolder& folder, std::int64_t steps) {
  engine::RunConfig config;
  config.output_dir = (folder / "run").string();
  config.max_steps = steps;
  config.logging_steps = 1;
  return config;
}

/// Runs the session in a child process, whose signals and streams are its own. `meanwhile` gets the
/// child's id.
ProgramRun session(
    const ScratchFolder& folder, const engine::RunConfig& config, const FakeRun& run, bool as_json,
    const std::function<void(pid_t)>& meanwhile = [](pid_t) {}) {
  const auto out = folder.write("out", "");
  const auto err = folder.write("err", "");
  const pid_t child = fork();
  if (child == 0) {
    dup2(open(out.c_str(), O_WRONLY | O_TRUNC), STDOUT_FILENO);
    dup2(open(err.c_str(), O_WRONLY | O_TRUNC), STDERR_FILENO);
    int code = 99;
    try {
      code = train_in_terminal(config, FakeEngine(run), as_json);
    } catch (const engine::Error& error) {
      fprintf(stderr, "%s\n", error.what());
      code = 2;
    }
    fflush(nullptr);
    _exit(code);
  }
  meanwhile(child);
  int status = 0;
  waitpid(child, &status, 0);
  ProgramRun result;
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.out = content_of(out);
  result.err = content_of(err);
  return result;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void wait_for_step(const ScratchFolder& folder, std::int64_t step) {
  for (int i = 0; i < 4000; ++i) {
    const auto glance = engine::glance_at(folder / "run");
    if (glance.last_step && glance.last_step->step >= step) return;
    usleep(5000);
  }
  FAIL() << "the run never reached step " << step;
}

TEST(TrainSession, PrintsTheFolderAndALinePerStep) {
  const ScratchFolder folder;
  const ProgramRun run = session(folder, config_in(folder, 12), {}, false);
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const std::string line = "run folder: " + (folder / "run").string() + "\n";
  EXPECT_EQ(run.out.rfind(line, 0), 0u) << "at the start";
  EXPECT_EQ(run.out.substr(run.out.size() - line.size()), line) << "and at the end";
  for (int step = 1; step <= 12; ++step) {
    EXPECT_TRUE(contains(run.out, "step " + std::to_string(step) + "/12 ")) << run.out;
  }
  EXPECT_TRUE(contains(run.out, "saved checkpoint-12"));
  EXPECT_FALSE(contains(run.out, "\033"));
  EXPECT_EQ(run.err, "");
}

TEST(TrainSession, JsonStandsAloneOnStdout) {
  const ScratchFolder folder;
  const ProgramRun run = session(folder, config_in(folder, 12), {}, true);
  EXPECT_EQ(run.exit_code, 0);
  const auto json = nlohmann::json::parse(run.out);
  EXPECT_EQ(json.at("state"), "finished");
  EXPECT_EQ(json.at("step"), 12);
  EXPECT_EQ(json.at("run"), (folder / "run").string());
  EXPECT_EQ(json.at("last_metrics").at("loss"), tests::fake_loss(12));
  EXPECT_EQ(json.at("last_checkpoint"), "checkpoint-12");
  EXPECT_TRUE(contains(run.err, "step 12/12"));
}

TEST(TrainSession, AFailureExitsWithOneAndNamesTheLastCheckpoint) {
  const ScratchFolder folder;
  engine::RunConfig config = config_in(folder, 12);
  config.save_steps = 4;
  FakeRun fails;
  fails.fail_at = 7;
  const ProgramRun run = session(folder, config, fails, true);
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_TRUE(contains(run.err, "The last good checkpoint is checkpoint-4")) << run.err;
  const auto json = nlohmann::json::parse(run.out);
  EXPECT_EQ(json.at("state"), "failed");
  EXPECT_EQ(json.at("problems")[0].at("id"), "run-failed");
}

TEST(TrainSession, WhatIsFoundBeforeTheFirstStepIsThrown) {
  const ScratchFolder folder;
  FakeRun refused;
  engine::Problem problem;
  problem.place = {"x.yaml", 3, 1};
  problem.message = "no good";
  refused.problems.push_back(problem);
  const ProgramRun run = session(folder, config_in(folder, 12), refused, false);
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_TRUE(contains(run.err, "x.yaml:3"));
  EXPECT_FALSE(std::filesystem::exists(folder / "run"));
}

TEST(TrainSession, TheFirstSignalSavesAndExitsWith75) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    const ScratchFolder folder;
    FakeRun slow;
    slow.step_time = std::chrono::milliseconds(10);
    const ProgramRun run =
        session(folder, config_in(folder, 100000), slow, false, [&](pid_t child) {
          wait_for_step(folder, 3);
          kill(child, signal);
        });
    EXPECT_EQ(run.exit_code, 75);
    const auto summary = engine::summarize_run(folder / "run");
    EXPECT_EQ(summary.observed.state, engine::RunState::stopped);
    ASSERT_EQ(summary.checkpoints.size(), 1u);
    EXPECT_EQ(summary.checkpoints[0].step, summary.last_step->step) << "a whole step is saved";
    EXPECT_TRUE(contains(run.out, "go on with: paradigm train --config")) << run.out;
  }
}

TEST(TrainSession, ATerminalThatClosesHangsUpTwiceAndCostsNoStep) {
  const ScratchFolder folder;
  FakeRun slow;
  slow.step_time = std::chrono::milliseconds(300);
  const ProgramRun run = session(folder, config_in(folder, 100000), slow, false, [&](pid_t child) {
    wait_for_step(folder, 2);
    for (int i = 0; i < 3; ++i) {
      kill(child, SIGHUP);
      usleep(20000);
    }
  });
  EXPECT_EQ(run.exit_code, 75);
  EXPECT_EQ(engine::summarize_run(folder / "run").observed.state, engine::RunState::stopped);
}

TEST(TrainSession, GoesOnUnderNohup) {
  const ScratchFolder folder;
  FakeRun slow;
  slow.step_time = std::chrono::milliseconds(10);
  const auto before = signal(SIGHUP, SIG_IGN);
  const ProgramRun run = session(folder, config_in(folder, 30), slow, false, [&](pid_t child) {
    wait_for_step(folder, 3);
    kill(child, SIGHUP);
  });
  signal(SIGHUP, before);
  EXPECT_EQ(run.exit_code, 0) << run.err;
}

TEST(TrainSession, AReaderThatHasGoneDoesNotEndTheRun) {
  const ScratchFolder folder;
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  close(pipe_ends[0]);
  const pid_t child = fork();
  if (child == 0) {
    dup2(pipe_ends[1], STDOUT_FILENO);
    dup2(pipe_ends[1], STDERR_FILENO);
    signal(SIGPIPE, SIG_DFL);
    FakeRun slow;
    slow.step_time = std::chrono::milliseconds(10);
    _exit(train_in_terminal(config_in(folder, 100000), FakeEngine(slow), false));
  }
  close(pipe_ends[1]);
  wait_for_step(folder, 3);
  kill(child, SIGINT);
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 75);
  EXPECT_EQ(engine::summarize_run(folder / "run").checkpoints.size(), 1u);
}

TEST(TrainSession, TheSecondSignalQuitsAtOnce) {
  const ScratchFolder folder;
  FakeRun stuck;
  stuck.hang_at = 3;
  const ProgramRun run = session(folder, config_in(folder, 100), stuck, false, [&](pid_t child) {
    while (engine::summarize_run(folder / "run").messages.empty()) {
      usleep(5000);
    }
    kill(child, SIGINT);
    usleep(100000);
    kill(child, SIGINT);
  });
  EXPECT_EQ(run.exit_code, 130);
  EXPECT_EQ(engine::observe_state(folder / "run").state, engine::RunState::interrupted);
}

TEST(TrainSession, AResumedRunShowsOnlyWhatIsNew) {
  const ScratchFolder folder;
  engine::RunConfig config = config_in(folder, 20);
  config.save_steps = 5;
  FakeRun dies;
  dies.abandon_at = 8;
  dies.torn_line = true;
  session(folder, config, dies, false);
  const ProgramRun run = session(folder, config, {}, false);
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_TRUE(contains(run.out, "resumed from checkpoint-5 at step 5")) << run.out;
  EXPECT_FALSE(contains(run.out, "step 4/20"));
  EXPECT_TRUE(contains(run.out, "step 6/20"));
}

TEST(LauncherProblems, OnlySeveralProcessesAreRefused) {
  unsetenv("WORLD_SIZE");
  EXPECT_TRUE(launcher_problems().empty());
  setenv("WORLD_SIZE", "1", 1);
  EXPECT_TRUE(launcher_problems().empty());
  setenv("WORLD_SIZE", "4", 1);
  EXPECT_EQ(launcher_problems().size(), 1u);
  unsetenv("WORLD_SIZE");
}

}  // namespace
}  // namespace paradigm
