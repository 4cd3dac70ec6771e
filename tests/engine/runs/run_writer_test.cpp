// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/run_writer.h"

#include "engine/error.h"
#include "engine/runs/process_identity.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

namespace engine {
namespace {

using tests::content_of;
using tests::ScratchFolder;

TEST(RunWriter, AppendsOneLineAnEvent) {
  const ScratchFolder folder;
  {
    RunWriter writer({folder.path()});
    writer.write(RunStarted{.run_id = "x"});
    writer.write(RunMessage{1, "info", "two\nlines"});
  }
  RunWriter again({folder.path()});
  again.write(StepLogged{.step = 1});
  const std::string text = content_of(folder / "events.jsonl");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
  EXPECT_EQ(text.back(), '\n');
}

TEST(RunWriter, OpeningCutsATornLastLine) {
  for (const std::string& torn : {std::string("{\"type\":\"st"), std::string(300000, 'x')}) {
    const ScratchFolder folder;
    const std::string whole = to_json({1, StepLogged{.step = 1}}) + "\n";
    folder.write("events.jsonl", whole + torn);
    RunWriter writer({folder.path()});
    EXPECT_EQ(content_of(folder / "events.jsonl"), whole);
    writer.write(StepLogged{.step = 2});
    const std::string text = content_of(folder / "events.jsonl");
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  }
  const ScratchFolder folder;
  folder.write("events.jsonl", "only a torn line");
  RunWriter writer({folder.path()});
  EXPECT_EQ(content_of(folder / "events.jsonl"), "");
}

TEST(RunWriter, StatusNamesThisProcessAndKeepsTheGrantedRequest) {
  const ScratchFolder folder;
  RunWriter writer({folder.path()});
  writer.set_status(RunState::paused, 3, 10, "pause");
  writer.set_status(RunState::running, 4, 10);
  const auto status = parse_run_status(content_of(folder / "status.json"));
  ASSERT_TRUE(status);
  EXPECT_EQ(status->state, RunState::running);
  EXPECT_EQ(status->pid, getpid());
  EXPECT_EQ(status->process_start_time, process_start_time(getpid()).value());
  EXPECT_EQ(status->host, host_name());
  EXPECT_EQ(status->step, 4);
  EXPECT_EQ(status->max_steps, 10);
  EXPECT_EQ(status->granted_request, "pause");
  EXPECT_NEAR(status->updated, unix_time(), 5);
}

TEST(RunWriter, AFullDiskLeavesWholeLinesAndRoomForAShorterEvent) {
  const ScratchFolder folder;
  RunWriter writer({folder.path()});
  for (int step = 1; step <= 10; ++step) writer.write(StepLogged{.step = step});
  const std::string before = content_of(folder / "events.jsonl");
  rlimit old = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {before.size() + 150, old.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_THROW(writer.write(RunMessage{11, "info", std::string(500, 'x')}), Error);
  EXPECT_EQ(content_of(folder / "events.jsonl"), before);
  EXPECT_NO_THROW(writer.write(RunFailed{10, "disk full", "checkpoint-5"}));
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, old_handler);
  const std::string after = content_of(folder / "events.jsonl");
  EXPECT_EQ(after.substr(0, before.size()), before);
  EXPECT_TRUE(parse_run_event(after.substr(before.size(), after.size() - before.size() - 1)));
}

TEST(RunWriter, AnAbsentFolderIsAnErrorThatNamesTheFile) {
  const ScratchFolder folder;
  try {
    RunWriter writer({folder / "absent"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("absent/events.jsonl"), std::string::npos);
  }
}

TEST(RunStatus, GarbageIsNoStatus) {
  for (const char* text : {"", "null", "{}", "{\"state\":3}", "{\"state\":\"running\""}) {
    EXPECT_FALSE(parse_run_status(text)) << text;
  }
  const auto odd = parse_run_status(R"({"state":"dancing","pid":"x","step":1e99,"updated":null})");
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->state, RunState::unknown);
  EXPECT_EQ(odd->pid, 0);
  EXPECT_EQ(odd->step, 0);
}

TEST(ProcessIdentity, OnlyLivingProcessesHaveAStartTime) {
  EXPECT_TRUE(process_start_time(getpid()));
  EXPECT_FALSE(process_start_time(0));
  EXPECT_FALSE(process_start_time(-5));
  EXPECT_FALSE(process_start_time(1ll << 40));
}

}  // namespace
}  // namespace engine
