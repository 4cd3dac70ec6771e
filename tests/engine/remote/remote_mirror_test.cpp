// SPDX-License-Identifier: GPL-3.0-or-later
// The watching script and the mirror, through a shell in ssh's place, and through a true ssh server
// on the loopback where there is one. PARADIGM_LONG_TESTS: the cut lasts five minutes.
#include "engine/remote/remote_mirror.h"

#include "engine/error.h"
#include "engine/remote/remote_copy.h"
#include "engine/runs/process_identity.h"
#include "engine/runs/run_catalog.h"
#include "engine/runs/run_control.h"
#include "engine/runs/run_folder.h"
#include "engine/runs/run_reader.h"
#include "engine/runs/run_resume.h"
#include "engine/runs/run_writer.h"
#include "tests/support/loopback_ssh.h"
#include "tests/support/sample_run.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <regex>
#include <stdexcept>
#include <thread>

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using engine::RemoteMirror;
using engine::RunState;

bool within(std::chrono::milliseconds limit, const std::function<bool()>& is_so) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(20ms);
  }
  return true;
}

std::string step_line(std::int64_t step) {
  return engine::to_json({1000.0 + double(step), engine::StepLogged{.step = step, .loss = 2}}) +
         "\n";
}

class RemoteMirrorTest : public testing::Test {
 protected:
  RemoteMirrorTest() {
    const fs::path program =
        scratch_.write("ssh.sh",
                       "#!/bin/sh\n"
                       "while [ $# -gt 0 ]; do case $1 in -G) exit 0;; --) "
                       "shift; break;; *) shift;; esac; done\n"
                       "shift\necho $$ > '" +
                           (scratch_ / "pid").string() + "'\nexec sh -c \"$*\"\n");
    fs::permissions(program, fs::perms::owner_all);
    setenv("PARADIGM_SSH", program.c_str(), 1);
    fs::create_directories(runs());
  }
  ~RemoteMirrorTest() override { unsetenv("PARADIGM_SSH"); }

  fs::path runs() const { return scratch_ / "there/runs"; }
  fs::path cache() const { return scratch_ / "cache"; }
  std::unique_ptr<RemoteMirror> mirror(const fs::path& below = {}) {
    return std::make_unique<RemoteMirror>(
        engine::parse_remote_address("ssh://lab1" + (runs() / below).string()), cache());
  }
  fs::path write_run(const std::string& name, std::int64_t steps = 50) {
    tests::SampleRun run;
    run.steps = steps;
    tests::write_sample_run(runs() / name, run);
    return runs() / name;
  }
  /// The connection that is open ends as if the cable were pulled.
  void cut() {
    const int pid = std::atoi(tests::content_of(scratch_ / "pid").c_str());
    ASSERT_GT(pid, 1);
    kill(pid, SIGKILL);
  }
  static bool same_events(const fs::path& one, const fs::path& other) {
    const std::string content = tests::content_of(one / "events.jsonl");
    return !content.empty() && content == tests::content_of(other / "events.jsonl");
  }
  tests::ScratchFolder scratch_;
};

TEST_F(RemoteMirrorTest, ACopyIsReadAsTheRunItself) {
  const fs::path run = write_run("run a");
  write_run("second");
  const auto kept = mirror();
  kept->wait_until_synced(20s);
  ASSERT_EQ(engine::find_runs(kept->folder()).size(), 2u);
  const fs::path copy = kept->folder() / "run a";
  EXPECT_TRUE(same_events(run, copy));
  EXPECT_EQ(tests::content_of(copy / "run.yaml"), tests::content_of(run / "run.yaml"));
  const auto summary = engine::summarize_run(copy);
  EXPECT_EQ(summary.observed.state, RunState::finished);
  EXPECT_EQ(summary.last_step->step, 50);
  EXPECT_EQ(engine::export_csv(copy), engine::export_csv(run));
}

TEST_F(RemoteMirrorTest, AFolderThatIsItselfARunIsCopiedUnderItsName) {
  write_run("only");
  const auto kept = mirror("only");
  kept->wait_until_synced(20s);
  const auto found = engine::find_runs(kept->folder());
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found.front().filename(), "only");
}

TEST_F(RemoteMirrorTest, OnlyWhatIsNewTravels) {
  const fs::path run = write_run("run", 3000);
  const auto kept = mirror();
  kept->wait_until_synced(20s);
  const auto before = kept->state().received;
  tests::append_to(run / "events.jsonl", step_line(3001));
  ASSERT_TRUE(within(10s, [&] { return same_events(run, kept->folder() / "run"); }));
  EXPECT_LT(kept->state().received - before, 2000u) << "of some 400,000";
}

TEST_F(RemoteMirrorTest, AnotherMirrorGoesOnWhereTheCopyEnds) {
  const fs::path run = write_run("run", 3000);
  mirror()->wait_until_synced(20s);
  tests::append_to(run / "events.jsonl", step_line(3001));
  const auto kept = mirror();
  kept->wait_until_synced(20s);
  EXPECT_TRUE(same_events(run, kept->folder() / "run"));
  EXPECT_LT(kept->state().received, 20000u);
}

TEST_F(RemoteMirrorTest, ACutLosesAndDoublesNothing) {
  const fs::path run = write_run("run", 20);
  const auto kept = mirror();
  kept->wait_until_synced(20s);
  const fs::path copy = kept->folder() / "run";
  engine::RunReader reader(copy);
  std::int64_t last = 20;
  std::int64_t steps_read = 0;
  const auto read = [&] {
    const auto update = reader.poll();
    EXPECT_FALSE(update.restarted);
    for (const auto& event : update.events) {
      if (std::holds_alternative<engine::StepLogged>(event.body)) ++steps_read;
    }
  };
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 20; ++i) tests::append_to(run / "events.jsonl", step_line(++last));
    read();
    cut();
    for (int i = 0; i < 20; ++i) tests::append_to(run / "events.jsonl", step_line(++last));
    ASSERT_TRUE(within(20s, [&] { return same_events(run, copy); })) << round;
  }
  read();
  EXPECT_EQ(steps_read, last);
}

TEST_F(RemoteMirrorTest, ATornLineWaitsForItsRest) {
  const fs::path run = write_run("run", 5);
  const auto kept = mirror();
  kept->wait_until_synced(20s);
  const std::string whole = tests::content_of(run / "events.jsonl");
  tests::append_to(run / "events.jsonl", R"({"time":1,"type":"st)");
  std::this_thread::sleep_for(600ms);
  EXPECT_EQ(tests::content_of(kept->folder() / "run/events.jsonl"), whole);
  // A resumed writer cuts it and goes on: nothing that was sent is taken back.
  fs::resize_file(run / "events.jsonl", whole.size());
  tests::append_to(run / "events.jsonl", step_line(6));
  EXPECT_TRUE(within(10s, [&] { return same_events(run, kept->folder() / "run"); }));
}

TEST_F(RemoteMirrorTest, AnotherFileOfTheNameReplacesTheCopy) {
  const fs::path run = write_run("run", 30);
  const auto kept = mirror();
  kept->wait_until_synced(20s);
  fs::remove_all(run);
  write_run("run", 60);
  EXPECT_TRUE(within(10s, [&] { return same_events(run, kept->folder() / "run"); }));
}

TEST_F(RemoteMirrorTest, StateFollowsTheLockOverThere) {
  const fs::path run = runs() / "live";
  fs::create_directories(run);
  auto lock = engine::RunLock::acquire(run);
  ASSERT_TRUE(lock);
  tests::append_to(
      run / "events.jsonl",
      engine::to_json({1000, engine::RunStarted{.max_steps = 100}}) + "\n" + step_line(1));
  engine::RunStatus status{
      .state = RunState::running, .pid = 1, .host = "lab1", .step = 1, .updated = 1000};
  engine::replace_file(run / "status.json", engine::to_json(status));
  const auto kept = mirror();
  kept->wait_until_synced(20s);
  const fs::path copy = kept->folder() / "live";
  EXPECT_EQ(engine::observe_state(copy).state, RunState::running)
      << "held there, however old the status is";
  lock.reset();
  EXPECT_TRUE(
      within(15s, [&] { return engine::observe_state(copy).state == RunState::interrupted; }));
  const auto offer = engine::resume_offer(copy, engine::summarize_run(copy));
  EXPECT_FALSE(offer.possible) << "a copy is not trained on";
  EXPECT_NE(offer.restores.find("on lab1: paradigm train --config " + (run / "run.yaml").string()),
            std::string::npos)
      << offer.restores;
}

TEST_F(RemoteMirrorTest, ACopyThatNobodyKeepsSaysOnlyWhatWasTrue) {
  const fs::path run = runs() / "live";
  fs::create_directories(run);
  const auto lock = engine::RunLock::acquire(run);
  engine::RunStatus status{
      .state = RunState::running, .pid = 1, .host = "lab1", .step = 1, .updated = 1000};
  engine::replace_file(run / "status.json", engine::to_json(status));
  fs::path copy;
  {
    const auto kept = mirror();
    kept->wait_until_synced(20s);
    copy = kept->folder() / "live";
    EXPECT_EQ(engine::observe_state(copy).state, RunState::running);
  }
  const auto left = engine::observe_state(copy);
  EXPECT_EQ(left.state, RunState::unknown) << "heard a moment ago, but not any more";
  EXPECT_TRUE(
      std::regex_match(left.detail, std::regex("no connection to \\S+ for \\d s; running then")))
      << left.detail;
  // Known again once it is heard again and all has come, not by the word that is left.
  const auto again = mirror();
  again->wait_until_synced(20s);
  EXPECT_EQ(engine::observe_state(copy).state, RunState::running);
  EXPECT_EQ(engine::observe_state(copy).detail, "on host lab1");
}

TEST_F(RemoteMirrorTest, ARequestIsWrittenToTheRun) {
  const fs::path run = write_run("run");
  fs::create_directories(run / "checkpoint-40");
  const auto kept = mirror();
  kept->wait_until_synced(20s);
  const fs::path copy = kept->folder() / "run";
  EXPECT_TRUE(fs::is_directory(copy / "checkpoint-40"));
  EXPECT_TRUE(fs::is_empty(copy / "checkpoint-40"));
  const std::string id = engine::write_control_request(copy, engine::RunRequest::pause);
  ASSERT_TRUE(within(10s, [&] { return fs::exists(run / "control"); }));
  EXPECT_NE(tests::content_of(run / "control").find(id), std::string::npos);
  EXPECT_NE(tests::content_of(run / "control").find("pause"), std::string::npos);
}

TEST_F(RemoteMirrorTest, AKillReachesOnlyTheProcessThatIsMeant) {
  write_run("run");
  const pid_t child = fork();
  if (child == 0) {
    execl("/bin/sleep", "sleep", "1000", nullptr);
    _exit(1);
  }
  ASSERT_GT(child, 1);
  std::uint64_t began = 0;
  ASSERT_TRUE(within(10s, [&] {
    began = engine::process_start_time(child).value_or(0);
    return began > 0;
  }));
  const auto kept = mirror();
  kept->wait_until_synced(20s);
  const fs::path copy = kept->folder() / "run";
  engine::write_remote_kill(copy, child, began + 1);
  ASSERT_TRUE(within(10s, [&] { return !fs::exists(copy / "kill.json"); }));
  std::this_thread::sleep_for(300ms);
  EXPECT_EQ(waitpid(child, nullptr, WNOHANG), 0) << "a process that began at another time lives on";
  engine::write_remote_kill(copy, child, began);
  int status = 0;
  ASSERT_TRUE(within(10s, [&] { return waitpid(child, &status, WNOHANG) == child; }));
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TEST_F(RemoteMirrorTest, WhatIsWrongIsSaid) {
  fs::remove_all(runs());
  try {
    mirror()->wait_until_synced(20s);
    FAIL();
  } catch (const engine::Error& error) {
    EXPECT_NE(std::string(error.what()).find("cannot open the folder"), std::string::npos)
        << error.what();
  }
  setenv("PARADIGM_SSH", "echo Welcome; :", 1);
  EXPECT_THROW(mirror()->wait_until_synced(20s), engine::Error);
}

TEST_F(RemoteMirrorTest, TwoOfOneAddressShareTheFolder) {
  const fs::path run = write_run("run", 20);
  auto first = mirror();
  first->wait_until_synced(20s);
  const auto second = mirror();
  second->wait_until_synced(20s);
  first.reset();
  tests::append_to(run / "events.jsonl", step_line(21));
  EXPECT_TRUE(within(15s, [&] { return same_events(run, second->folder() / "run"); }))
      << "the second takes over";
}

class LoopbackSshTest : public RemoteMirrorTest {
 protected:
  void SetUp() override {
    try {
      server_ = std::make_unique<tests::LoopbackSsh>(scratch_ / "ssh");
    } catch (const std::runtime_error& error) {
      GTEST_SKIP() << error.what();
    }
    setenv("PARADIGM_SSH", server_->client().c_str(), 1);
    setenv("XDG_RUNTIME_DIR", scratch_.path().c_str(), 1);
  }
  std::unique_ptr<RemoteMirror> mirrorThroughSsh() {
    return std::make_unique<RemoteMirror>(
        engine::parse_remote_address("ssh://loop" + runs().string()), cache());
  }
  std::unique_ptr<tests::LoopbackSsh> server_;
};

TEST_F(LoopbackSshTest, ACutOfTheLinkLosesAndDoublesNothing) {
  const bool is_long = std::getenv("PARADIGM_LONG_TESTS") != nullptr;
  const fs::path run = write_run("run", 200);
  const auto kept = mirrorThroughSsh();
  kept->wait_until_synced(100s);
  const fs::path copy = kept->folder() / "run";
  ASSERT_TRUE(same_events(run, copy));
  engine::RunReader reader(copy);
  std::int64_t read = 0;
  const auto count = [&] {
    engine::RunUpdate update;
    do {
      update = reader.poll();
      EXPECT_FALSE(update.restarted);
      for (const auto& event : update.events) {
        read += std::holds_alternative<engine::StepLogged>(event.body) ? 1 : 0;
      }
    } while (update.more);
  };
  count();
  server_->proxy().cut();
  std::int64_t last = 200;
  const auto end = std::chrono::steady_clock::now() + (is_long ? 300s : 3s);
  while (std::chrono::steady_clock::now() < end) {
    tests::append_to(run / "events.jsonl", step_line(++last));
    count();
    std::this_thread::sleep_for(50ms);
  }
  EXPECT_FALSE(kept->state().is_connected);
  EXPECT_FALSE(kept->state().trouble.empty());
  EXPECT_LT(read, last);
  server_->proxy().mend();
  ASSERT_TRUE(within(60s, [&] { return same_events(run, copy); }));
  count();
  EXPECT_EQ(read, last);
  EXPECT_GT(server_->proxy().connections(), 1);
}

TEST_F(LoopbackSshTest, ASlowLinkBringsEverythingInOrder) {
  const fs::path run = write_run("run", 400);
  server_->proxy().set_rate(40000);
  const auto kept = mirrorThroughSsh();
  kept->wait_until_synced(100s);
  for (int step = 401; step <= 440; ++step) {
    tests::append_to(run / "events.jsonl", step_line(step));
  }
  ASSERT_TRUE(within(60s, [&] { return same_events(run, kept->folder() / "run"); }));
}

TEST_F(LoopbackSshTest, ARequestGoesTheSameWay) {
  const fs::path run = write_run("run");
  const auto kept = mirrorThroughSsh();
  kept->wait_until_synced(100s);
  const std::string id =
      engine::write_control_request(kept->folder() / "run", engine::RunRequest::checkpoint);
  ASSERT_TRUE(within(10s, [&] { return fs::exists(run / "control"); }));
  EXPECT_NE(tests::content_of(run / "control").find(id), std::string::npos);
}

}  // namespace
