// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/process_end.h"

#include "engine/runs/process_identity.h"
#include "engine/runs/run_catalog.h"
#include "engine/runs/run_folder.h"
#include "engine/runs/run_state.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace engine {
namespace {

RunStatus status_of_a_gone_process(RunState state) {
  RunStatus status;
  status.state = state;
  status.pid = 4711;
  status.process_start_time = 99;
  status.host = host_name();
  status.step = 412;
  status.updated = unix_time();
  return status;
}

TEST(ProcessEnd, TheReasonIsSaidWithTheState) {
  const tests::ScratchFolder folder;
  folder.write("status.json", to_json(status_of_a_gone_process(RunState::running)));
  folder.write("checkpoint-400/manifest.json", "{}");
  EXPECT_EQ(observe_state(folder.path()).detail,
            "writer gone at step 412, last checkpoint: checkpoint-400");
  record_process_end(folder.path(), {.pid = 4711, .process_start_time = 99, .signal = SIGKILL});
  EXPECT_EQ(observe_state(folder.path()).state, RunState::interrupted);
  EXPECT_EQ(observe_state(folder.path()).detail,
            "killed by signal 9 (SIGKILL) at step 412, last checkpoint: checkpoint-400");
  record_process_end(folder.path(), {.pid = 4711, .process_start_time = 99, .exit_code = 3});
  EXPECT_EQ(observe_state(folder.path()).detail,
            "its process ended with exit code 3 at step 412, last checkpoint: checkpoint-400");
}

TEST(ProcessEnd, OfAnotherProcessSaysNothingAboutThisRun) {
  const tests::ScratchFolder folder;
  record_process_end(folder.path(), {.pid = 4711, .process_start_time = 99, .signal = SIGKILL});
  EXPECT_FALSE(read_process_end(folder.path())) << "no run here";
  folder.write("status.json", to_json(status_of_a_gone_process(RunState::running)));
  record_process_end(folder.path(), {.pid = 4712, .process_start_time = 99, .signal = SIGKILL});
  EXPECT_FALSE(read_process_end(folder.path()));
  // A resume after a kill: the file is of the earlier part.
  folder.write("process_end.json",
               R"({"pid":4710,"process_start_time":98,"signal":9,"exit_code":0,"time":1})");
  EXPECT_EQ(observe_state(folder.path()).detail, "writer gone at step 412");
}

TEST(ProcessEnd, ARunThatSaidItsLastWordNeedsNone) {
  for (const RunState state : {RunState::finished, RunState::stopped, RunState::failed}) {
    const tests::ScratchFolder folder;
    folder.write("status.json", to_json(status_of_a_gone_process(state)));
    record_process_end(folder.path(), {.pid = 4711, .process_start_time = 99, .exit_code = 0});
    EXPECT_FALSE(read_process_end(folder.path()));
  }
}

TEST(ProcessEnd, GarbageIsNone) {
  const tests::ScratchFolder folder;
  for (const std::string text : {"", "{", "[]", "{\"pid\": \"x\"}", "{\"pid\": -1}"}) {
    folder.write("process_end.json", text);
    EXPECT_FALSE(read_process_end(folder.path())) << text;
  }
}

}  // namespace
}  // namespace engine
