// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/watched_child.h"

#include "app/paradigm/stop_signals.h"
#include "engine/runs/process_end.h"
#include "engine/runs/process_identity.h"
#include "engine/runs/run_catalog.h"
#include "engine/runs/run_writer.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>

namespace paradigm {
namespace {

using tests::ScratchFolder;

/// A writer that says it runs, and then does `more`.
int writes_and(const ScratchFolder& folder, const std::function<int()>& more) {
  engine::RunWriter writer(engine::RunFolder{folder.path()});
  writer.write(engine::RunStarted{.run_id = "a", .max_steps = 100});
  writer.set_status(engine::RunState::running, 12, 100);
  return more();
}

/// in_watched_child in a process of its own; its wait status.
int status_of(const ScratchFolder& folder, const std::function<int()>& work,
              const std::function<void(pid_t)>& meanwhile = {}) {
  const pid_t parent = fork();
  if (parent == 0) _exit(in_watched_child(folder.path(), [&] { return writes_and(folder, work); }));
  if (meanwhile) meanwhile(parent);
  int status = 0;
  waitpid(parent, &status, 0);
  return status;
}

/// Waits until the child has written its status, and returns its pid.
pid_t writer_of(const ScratchFolder& folder) {
  for (int tick = 0; tick < 4000; ++tick) {
    const auto status = engine::glance_at(folder.path()).status;
    if (status) return pid_t(status->pid);
    usleep(2000);
  }
  return 0;
}

int sleep_for_long() {
  for (int i = 0; i < 30000; ++i) usleep(1000);
  return 0;
}

TEST(WatchedChild, TheExitCodeIsTheWorks) {
  const ScratchFolder folder;
  const int status = status_of(folder, [] { return 75; });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 75);
}

TEST(WatchedChild, AKillIsRecordedAndPassedOnToWhoeverWaits) {
  const ScratchFolder folder;
  const int status =
      status_of(folder, sleep_for_long, [&](pid_t) { kill(writer_of(folder), SIGKILL); });
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  EXPECT_EQ(engine::observe_state(folder.path()).state, engine::RunState::interrupted);
  EXPECT_EQ(engine::observe_state(folder.path()).detail, "killed by signal 9 (SIGKILL) at step 12");
}

TEST(WatchedChild, ACrashIsRecordedToo) {
  const ScratchFolder folder;
  const int status = status_of(folder, []() -> int { std::abort(); });
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(engine::observe_state(folder.path()).detail, "killed by signal 6 (SIGABRT) at step 12");
}

TEST(WatchedChild, AKilledParentTakesItsChildAlong) {
  const ScratchFolder folder;
  pid_t child = 0;
  status_of(folder, sleep_for_long, [&](pid_t parent) {
    child = writer_of(folder);
    kill(parent, SIGKILL);
  });
  for (int tick = 0; tick < 2000 && engine::process_start_time(child); ++tick) usleep(2000);
  EXPECT_FALSE(engine::process_start_time(child));
  EXPECT_EQ(engine::observe_state(folder.path()).detail, "writer gone at step 12");
}

/// From now on a signal is a request.
void say_ready(const ScratchFolder& folder) { folder.write("ready", ""); }

/// Waits until the child takes signals as requests, and returns its pid.
pid_t ready_writer_of(const ScratchFolder& folder) {
  for (int tick = 0; tick < 4000 && access((folder / "ready").c_str(), F_OK) != 0; ++tick) {
    usleep(2000);
  }
  return writer_of(folder);
}

/// Stops when asked to, with the number of signals that came in its exit code.
int waits_for_a_stop(const ScratchFolder& folder) {
  engine::RunControl control;
  const StopSignals signals(control);
  say_ready(folder);
  for (int i = 0; i < 20000; ++i) {
    if (control.poll() == engine::RunRequest::stop) {
      usleep(100000);  // a second one may be under way
      return 75;
    }
    usleep(1000);
  }
  return 1;
}

TEST(WatchedChild, ASignalToTheParentStopsTheChildOrderly) {
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) {
    const ScratchFolder folder;
    const int status = status_of(
        folder, [&] { return waits_for_a_stop(folder); },
        [&](pid_t parent) {
          ready_writer_of(folder);
          kill(parent, signal);
        });
    ASSERT_TRUE(WIFEXITED(status)) << signal;
    EXPECT_EQ(WEXITSTATUS(status), 75) << signal;
  }
}

TEST(WatchedChild, OneSignalToBothIsOneRequestAndNotTwo) {
  const ScratchFolder folder;
  const int status = status_of(
      folder, [&] { return waits_for_a_stop(folder); },
      [&](pid_t parent) {
        const pid_t child = ready_writer_of(folder);
        kill(parent, SIGTERM);
        kill(child, SIGTERM);
      });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 75);
}

int goes_on_for_long(const ScratchFolder& folder) {
  engine::RunControl control;
  const StopSignals signals(control);
  say_ready(folder);
  return sleep_for_long();
}

TEST(WatchedChild, ASecondSignalQuitsAtOnce) {
  const ScratchFolder folder;
  const int status = status_of(
      folder, [&] { return goes_on_for_long(folder); },
      [&](pid_t parent) {
        ready_writer_of(folder);
        // Two that come before the first is noticed are one.
        for (int i = 0; i < 100 && kill(parent, SIGTERM) == 0; ++i) usleep(20000);
      });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 128 + SIGTERM);
}

}  // namespace
}  // namespace paradigm
