// SPDX-License-Identifier: GPL-3.0-or-later
// Whole trainings in processes that are killed at random moments: while they prepare, train, save
// and finish. What is left is read as it stands, and a resume ends where an undisturbed run does.
#include "engine/checkpoint/saved_checkpoints.h"
#include "engine/error.h"
#include "engine/runs/process_end.h"
#include "engine/runs/process_identity.h"
#include "engine/runs/run_catalog.h"
#include "engine/runs/run_folder.h"
#include "engine/runs/run_liveness.h"
#include "engine/runs/run_reader.h"
#include "engine/runs/run_record.h"
#include "engine/training/train.h"
#include "tests/support/run_truth.h"
#include "tests/support/tiny_training.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace engine {
namespace {

namespace fs = std::filesystem;
using tests::expect_same_end;
using tests::expect_truth;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t kSteps = 24;
constexpr const char* kNoisyOptical = R"(use_regex: true
layer_name_to_config:
  model\.layers\.[0-9]+\.(self_attn|self_attn\.(q|k|v|o)_proj|mlp\.(gate|up|down)_proj):
    q_levels: 64
    q_lut_min: 0.020040
    q_smooth_factor: 0.9
    q_init_seed: 0
  lm_head: null
)";

/// Exit codes of a training process.
enum Exit { kFinished = 0, kBroken = 3, kRefused = 4, kFailedRun = 5 };

bool is_long() { return std::getenv("PARADIGM_LONG_TESTS") != nullptr; }

/// Nothing is computed in this process: fork() copies no threads.
class RunKill : public tests::TinyTraining {
 protected:
  RunKill() : TinyTraining(1200, {.layers = 1}) { folder_.write("optical.yaml", kNoisyOptical); }

  RunConfig config(const std::string& run) const {
    RunConfig config = training(run);
    config.transform_config = (folder_ / "optical.yaml").string();
    config.gradient_accumulation_steps = 2;
    config.learning_rate = 1e-3;
    config.max_steps = kSteps;
    config.logging_steps = 1;
    config.layer_stats_steps = 5;
    config.save_steps = 4;
    config.save_total_limit = 3;
    return config;
  }

  /// A process that trains; `prepare` runs in it first.
  static pid_t start(const RunConfig& config, const std::function<void()>& prepare = {}) {
    const pid_t child = fork();
    if (child != 0) return child;
    if (prepare) prepare();
    try {
      RunControl control;
      const TrainOutcome outcome = train(config, control, {});
      _exit(outcome.finished ? kFinished : outcome.failed ? kFailedRun : kBroken);
    } catch (const Error& error) {
      std::ofstream(config.output_dir + ".refused") << error.what();
      _exit(kRefused);
    } catch (...) {
      _exit(kBroken);
    }
  }

  static int exit_code_of(pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  /// Kills the process after `delay` unless it ends before; returns whether it was killed.
  static bool kill_after(pid_t child, std::chrono::microseconds delay, const fs::path& run_dir) {
    const auto start_time = process_start_time(child).value_or(0);
    std::this_thread::sleep_for(delay);
    kill(child, SIGKILL);
    siginfo_t ended = {};
    waitid(P_PID, id_t(child), &ended, WEXITED | WNOWAIT);
    const bool was_killed = ended.si_code == CLD_KILLED;
    record_process_end(run_dir, {.pid = child,
                                 .process_start_time = start_time,
                                 .signal = was_killed ? ended.si_status : 0,
                                 .exit_code = was_killed ? 0 : ended.si_status,
                                 .time = unix_time()});
    waitpid(child, nullptr, 0);
    return was_killed;
  }
};

TEST_F(RunKill, WhateverTheMomentTheRunIsResumedToTheSameBits) {
  const fs::path through = folder_ / "through";
  ASSERT_EQ(exit_code_of(start(config("through"))), kFinished);
  const auto begin = Clock::now();  // with all files in memory, as the others find them
  ASSERT_EQ(exit_code_of(start(config("again"))), kFinished);
  const auto duration =
      std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin).count();

  const int wanted = is_long() ? 200 : 5;
  constexpr int kKillsOfARun = 3;
  std::mt19937_64 random(11);
  int kills = 0;
  int finished_by_themselves = 0;
  for (int run = 0; kills < wanted; ++run) {
    const std::string name = "run" + std::to_string(run);
    RunConfig wanted_run = config(name);
    wanted_run.save_async = run % 2 == 0;
    const fs::path dir = folder_ / name;
    bool is_done = false;
    for (int i = 0; i < kKillsOfARun && !is_done; ++i) {
      const auto delay = std::chrono::microseconds(random() % std::uint64_t(duration));
      if (kill_after(start(wanted_run), delay, dir)) {
        ++kills;
      } else {
        ++finished_by_themselves;
      }
      expect_truth(dir);
      if (HasFatalFailure()) return;
      is_done = observe_state(dir).state == RunState::finished;
      // Without a checkpoint there is nothing to go on from.
      wanted_run.overwrite_output_dir =
          fs::exists(dir) && !newest_checkpoint(dir, FileCheck::sizes).checkpoint;
    }
    if (!is_done) {
      ASSERT_EQ(exit_code_of(start(wanted_run)), kFinished) << name;
    }
    expect_same_end(through, dir, kSteps);
    if (HasFailure()) return;
    fs::remove_all(dir);
  }
  EXPECT_GE(kills, wanted);
  EXPECT_LT(finished_by_themselves, 2 * kills) << "the moments of the kills came too late";
  if (is_long()) {
    std::cout << kills << " kills, " << finished_by_themselves << " runs ended before theirs\n";
  }
}

// Around the saves and the end, where files are replaced.
TEST_F(RunKill, KilledWhileFilesAreReplaced) {
  ASSERT_EQ(exit_code_of(start(config("through"))), kFinished);
  std::mt19937_64 random(12);
  const int rounds = is_long() ? 40 : 2;
  for (int round = 0; round < rounds; ++round) {
    const std::string name = "run" + std::to_string(round);
    const fs::path dir = folder_ / name;
    RunConfig wanted = config(name);
    wanted.save_steps = 1;  // always saving
    wanted.save_async = round % 2 == 0;
    const pid_t child = start(wanted);
    const std::int64_t moment = 2 + std::int64_t(random() % std::uint64_t(kSteps - 2));
    for (int tick = 0; tick < 20000; ++tick) {
      const auto status = RunReader(dir).poll().status;
      if (status && status->step >= moment) break;
      usleep(500);
    }
    kill_after(child, std::chrono::microseconds(random() % 8000), dir);
    expect_truth(dir);
    const bool is_done = observe_state(dir).state == RunState::finished;
    // A slow disk may not have the first save yet: then there is nothing to go on from.
    wanted.overwrite_output_dir = !newest_checkpoint(dir, FileCheck::sizes).checkpoint;
    if (!is_done) {
      ASSERT_EQ(exit_code_of(start(wanted)), kFinished);
    }
    expect_same_end(folder_ / "through", dir, kSteps);
    if (HasFailure()) return;
    fs::remove_all(dir);
  }
}

TEST_F(RunKill, ASecondProcessIsRefusedEvenWithoutTheLockFile) {
  RunConfig wanted = config("run");
  wanted.max_steps = 1000000;
  wanted.save_strategy = "no";
  const pid_t child = start(wanted);
  const fs::path dir = folder_ / "run";
  for (int tick = 0; tick < 3000 && read_record(dir).steps.empty(); ++tick) usleep(10000);
  ASSERT_FALSE(read_record(dir).steps.empty());
  const std::string name = "process " + std::to_string(child);
  EXPECT_EQ(exit_code_of(start(wanted)), kRefused);
  std::string why = tests::content_of(dir.string() + ".refused");
  EXPECT_NE(why.find(name), std::string::npos) << why;
  fs::remove(dir / "run.lock");
  EXPECT_EQ(exit_code_of(start(wanted)), kRefused) << "status.json names a live process";
  why = tests::content_of(dir.string() + ".refused");
  EXPECT_NE(why.find(name), std::string::npos) << why;
  kill_after(child, std::chrono::microseconds(0), dir);
  expect_truth(dir);
}

TEST_F(RunKill, APidThatAnotherProcessHasNowIsNotTheRun) {
  ASSERT_EQ(exit_code_of(start(config("through"))), kFinished);
  RunConfig wanted = config("run");
  const fs::path dir = folder_ / "run";
  const pid_t child = start(wanted);
  for (int tick = 0; tick < 3000 && read_record(dir).checkpoints.empty(); ++tick) usleep(2000);
  kill_after(child, std::chrono::microseconds(0), dir);
  // A living process has got its number: this one, with another start time than the run's.
  RunStatus status = *read_status(dir);
  status.pid = getpid();
  replace_file(RunFolder{dir}.status(), to_json(status) + "\n");
  fs::remove(RunFolder{dir}.process_end());
  fs::remove(RunFolder{dir}.lock());
  EXPECT_EQ(observe_state(dir).state, RunState::interrupted);
  ASSERT_EQ(exit_code_of(start(wanted)), kFinished) << "and it is resumed";
  expect_same_end(folder_ / "through", dir, kSteps);
}

TEST_F(RunKill, ATornLastLineIsCutAndItsStepDoneAgain) {
  ASSERT_EQ(exit_code_of(start(config("through"))), kFinished);
  std::mt19937_64 random(13);
  for (int round = 0; round < (is_long() ? 20 : 2); ++round) {
    RunConfig wanted = config("run" + std::to_string(round));
    const fs::path dir = wanted.output_dir;
    const pid_t child = start(wanted);
    for (int tick = 0; tick < 3000 && read_record(dir).checkpoints.empty(); ++tick) usleep(2000);
    kill_after(child, std::chrono::microseconds(random() % 20000), dir);
    const fs::path events = dir / "events.jsonl";
    const std::string whole = tests::content_of(events);
    const auto last_line = whole.rfind('\n', whole.size() - 2) + 1;
    fs::resize_file(events, last_line + random() % (whole.size() - last_line));
    EXPECT_NE(observe_state(dir).state, RunState::unknown);
    tests::expect_gapless(read_record(dir));
    if (observe_state(dir).state != RunState::finished) {
      ASSERT_EQ(exit_code_of(start(wanted)), kFinished);
    }
    expect_same_end(folder_ / "through", dir, kSteps);
    if (HasFailure()) return;
  }
}

TEST_F(RunKill, DeletedFilesComeBackWithNothingLost) {
  RunConfig wanted = config("run");
  wanted.max_steps = 1000000;
  wanted.save_strategy = "no";
  const pid_t child = start(wanted);
  const fs::path dir = folder_ / "run";
  const auto steps = [&dir] { return read_record(dir).steps.size(); };
  for (int tick = 0; tick < 3000 && steps() < 5; ++tick) usleep(10000);
  ASSERT_GE(steps(), 5u);
  fs::remove(dir / "events.jsonl");
  fs::remove(dir / "status.json");
  for (int tick = 0; tick < 3000 && steps() < 10; ++tick) usleep(10000);
  kill_after(child, std::chrono::microseconds(0), dir);
  EXPECT_GE(steps(), 10u);
  EXPECT_TRUE(read_record(dir).started);
  expect_truth(dir);
}

TEST_F(RunKill, AFolderThatBecomesReadOnlyFailsTheRunAndKeepsWhatIsThere) {
  RunConfig wanted = config("run");
  ASSERT_EQ(exit_code_of(start(wanted)), kFinished);
  const fs::path dir = folder_ / "run";
  const std::string events = tests::content_of(dir / "events.jsonl");
  fs::permissions(folder_.path(), fs::perms(0755));
  fs::permissions(dir, fs::perms(0555));
  for (const auto& entry : fs::directory_iterator(dir)) {
    if (entry.is_regular_file()) fs::permissions(entry.path(), fs::perms(0444));
  }
  wanted.max_steps = 2 * kSteps;
  wanted.resume_from_checkpoint = "true";
  const auto as_nobody = [] {
    if (geteuid() == 0 && seteuid(65534) != 0) _exit(kBroken);
  };
  EXPECT_EQ(exit_code_of(start(wanted, as_nobody)), kRefused);
  EXPECT_TRUE(tests::content_of(dir / "events.jsonl") == events);
  EXPECT_EQ(observe_state(dir).state, RunState::finished);
  fs::permissions(dir, fs::perms(0755));
}

TEST_F(RunKill, AFullDiskFailsTheRunWithItsLastCheckpointWhole) {
  ASSERT_EQ(exit_code_of(start(config("through"))), kFinished);
  const std::uintmax_t largest =
      fs::file_size(folder_ / "through/checkpoint-24/optimizer.safetensors");
  for (const bool in_background : {true, false}) {
    RunConfig wanted = config(in_background ? "async" : "sync");
    wanted.save_async = in_background;
    const fs::path dir = wanted.output_dir;
    // From the second checkpoint on no file may become as large as the optimizer's.
    const auto small_disk = [largest] {
      signal(SIGXFSZ, SIG_IGN);
      const rlimit limit{.rlim_cur = rlim_t(largest) - 1, .rlim_max = RLIM_INFINITY};
      setrlimit(RLIMIT_FSIZE, &limit);
    };
    RunConfig first = wanted;
    first.max_steps = 4;
    ASSERT_EQ(exit_code_of(start(first)), kFinished);
    RunConfig more = wanted;
    more.resume_from_checkpoint = "true";
    ASSERT_EQ(exit_code_of(start(more, small_disk)), kFailedRun);
    EXPECT_EQ(observe_state(dir).state, RunState::failed);
    const RunRecord record = read_record(dir);
    ASSERT_TRUE(record.failed);
    EXPECT_EQ(record.failed->last_checkpoint, "checkpoint-4");
    EXPECT_NE(record.failed->what.find("checkpoint-8"), std::string::npos) << record.failed->what;
    EXPECT_EQ(newest_checkpoint(dir, FileCheck::hashes).checkpoint->step, 4);
    ASSERT_EQ(exit_code_of(start(wanted)), kFinished) << "once there is room";
    EXPECT_EQ(read_record(dir).steps.size(), std::size_t(kSteps));
  }
}

/// A small file system of its own for this process alone; false where none may be mounted.
bool mount_small_disk(const fs::path& at) {
  fs::create_directories(at);
  if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  return mount("tmpfs", at.c_str(), "tmpfs", 0, "size=24m") == 0;
}

/// Takes all room there is, to the last byte.
void fill_disk(const fs::path& filler) {
  std::ofstream file(filler, std::ios::binary);
  for (const std::size_t piece : {1u << 16, 1u << 12, 1u}) {
    const std::string zeros(piece, '\0');
    while (file.write(zeros.data(), std::streamsize(piece)).flush()) {
    }
    file.clear();
  }
}

// A write fails at whatever stands in line then: an event, the status, a file of a checkpoint.
TEST_F(RunKill, ADiskThatFillsWhileItTrainsLosesNothingThatWasWritten) {
  ASSERT_EQ(exit_code_of(start(config("through"))), kFinished);
  enum { kGood = 0, kNoDisk = 10, kNotFailed, kNotTold, kTorn, kStateIsFalse, kNotResumed };
  std::mt19937_64 random(14);
  for (int round = 0; round < (is_long() ? 40 : 3); ++round) {
    RunConfig wanted = config("");
    wanted.output_dir = (folder_ / "disk/run").string();
    wanted.save_async = round % 2 == 0;
    wanted.save_total_limit = 2;
    const fs::path dir = wanted.output_dir;
    const std::int64_t moment = 1 + std::int64_t(random() % 16);
    const fs::path ended = folder_ / ("ended" + std::to_string(round));
    const pid_t child = fork();
    if (child == 0) {
      if (!mount_small_disk(folder_ / "disk")) _exit(kNoDisk);
      std::jthread filler([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
          const auto status = read_status(dir);
          if (status && status->step >= moment) return fill_disk(folder_ / "disk/filler");
          usleep(100);
        }
      });
      RunControl control;
      const TrainOutcome outcome = train(wanted, control, {});
      filler.request_stop();
      filler.join();
      if (!outcome.failed) _exit(outcome.finished ? int{kNotFailed} : int{kBroken});
      if (outcome.message.find("No space left") == std::string::npos &&
          outcome.message.find("free") == std::string::npos) {
        std::cerr << outcome.message << std::endl;
        _exit(kNotTold);
      }
      const std::string events = tests::content_of(dir / "events.jsonl");
      if (events.empty() || events.back() != '\n') _exit(kTorn);
      const RunState state = observe_state(dir).state;
      if (state != RunState::failed && state != RunState::interrupted) _exit(kStateIsFalse);
      const RunRecord record = read_record(dir);
      for (std::size_t i = 0; i < record.steps.size(); ++i) {
        if (record.steps[i].step != std::int64_t(i) + 1) _exit(kTorn);
      }
      fs::remove(folder_ / "disk/filler");
      wanted.overwrite_output_dir = !newest_checkpoint(dir, FileCheck::hashes).checkpoint;
      const TrainOutcome resumed = train(wanted, control, {});
      if (!resumed.finished) _exit(kNotResumed);
      fs::copy(dir, ended, fs::copy_options::recursive);
      _exit(kGood);
    }
    const int code = exit_code_of(child);
    if (code == kNoDisk) GTEST_SKIP() << "no file system can be mounted here";
    ASSERT_EQ(code, kGood) << "round " << round << ", filled from step " << moment;
    expect_same_end(folder_ / "through", ended, kSteps);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace engine
