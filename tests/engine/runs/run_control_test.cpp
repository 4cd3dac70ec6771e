// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/run_control.h"

#include "engine/error.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace engine {
namespace {

using tests::ScratchFolder;

TEST(RunControl, ReturnsEachRequestOnce) {
  const ScratchFolder folder;
  RunControl control;
  EXPECT_EQ(control.poll(), RunRequest::none);
  control.request(RunRequest::pause);
  control.request(RunRequest::stop);
  EXPECT_EQ(control.poll(), RunRequest::stop) << "the newest";
  EXPECT_EQ(control.poll(), RunRequest::none);
  control.watch(folder.path());
  write_control_request(folder.path(), RunRequest::checkpoint);
  EXPECT_EQ(control.poll(), RunRequest::checkpoint);
  EXPECT_EQ(control.poll(), RunRequest::none);
  write_control_request(folder.path(), RunRequest::checkpoint);
  EXPECT_EQ(control.poll(), RunRequest::checkpoint) << "asked again";
}

TEST(RunControl, ARequestFromBeforeTheStartIsStale) {
  const ScratchFolder folder;
  write_control_request(folder.path(), RunRequest::stop);
  RunControl control;
  control.watch(folder.path());
  EXPECT_EQ(control.poll(), RunRequest::none);
  std::filesystem::remove(folder / "control");
  EXPECT_EQ(control.poll(), RunRequest::none);
  write_control_request(folder.path(), RunRequest::stop);
  EXPECT_EQ(control.poll(), RunRequest::stop);
}

TEST(RunControl, GarbageIsIgnoredAndComplainedAboutOnce) {
  const ScratchFolder folder;
  RunControl control;
  control.watch(folder.path());
  for (const std::string& garbage :
       {std::string("destroy"), std::string("{\"request\":7}"), std::string("{\"request\":\"st"),
        std::string("\0\xff\x01", 3), std::string(1000000, 'x')}) {
    folder.write("control", garbage);
    EXPECT_EQ(control.poll(), RunRequest::none);
    const auto complaint = control.take_complaint();
    ASSERT_TRUE(complaint) << garbage.substr(0, 20);
    EXPECT_NE(complaint->find((folder / "control").string()), std::string::npos);
    EXPECT_EQ(control.poll(), RunRequest::none);
    EXPECT_FALSE(control.take_complaint());
  }
  write_control_request(folder.path(), RunRequest::stop_now);
  EXPECT_EQ(control.poll(), RunRequest::stop_now);
}

TEST(RunControl, AnExtensionCarriesItsNumbersAndEveryRequestItsId) {
  const ScratchFolder folder;
  RunControl control;
  control.watch(folder.path());
  const std::string id = write_control_request(
      folder.path(), RunExtension{.max_steps = 400, .schedule = ScheduleChange::keep});
  EXPECT_EQ(control.poll(), RunRequest::extend);
  EXPECT_EQ(control.id(), id);
  EXPECT_EQ(control.extension().max_steps, 400);
  EXPECT_EQ(control.extension().schedule, ScheduleChange::keep);
  EXPECT_NE(write_control_request(folder.path(), RunRequest::pause), id);
  EXPECT_EQ(control.poll(), RunRequest::pause);
  EXPECT_NE(control.id(), id);
  control.request(RunRequest::stop);
  EXPECT_EQ(control.poll(), RunRequest::stop);
  EXPECT_EQ(control.id(), "") << "from this process";
  for (const char* incomplete : {"extend", R"({"request":"extend","max_steps":9})",
                                 R"({"request":"extend","max_steps":9,"schedule":"bend"})"}) {
    folder.write("control", incomplete);
    EXPECT_EQ(control.poll(), RunRequest::none);
    EXPECT_TRUE(control.take_complaint()) << incomplete;
  }
}

TEST(RunControl, AWordWrittenByHandCounts) {
  const ScratchFolder folder;
  RunControl control;
  control.watch(folder.path());
  folder.write("control", "");
  EXPECT_EQ(control.poll(), RunRequest::none);
  EXPECT_FALSE(control.take_complaint()) << "its text is still to come";
  folder.write("control", "pause\n");
  EXPECT_EQ(control.poll(), RunRequest::pause);
}

TEST(RunControl, AFifoOfThatNameDoesNotStopTheLoop) {
  const ScratchFolder folder;
  RunControl control;
  control.watch(folder.path());
  ASSERT_EQ(mkfifo((folder / "control").c_str(), 0600), 0);
  EXPECT_EQ(control.poll(), RunRequest::none);
  EXPECT_TRUE(control.take_complaint());
}

TEST(RunControl, AnUnreachableFolderIsAnError) {
  const ScratchFolder folder;
  EXPECT_THROW(write_control_request(folder / "absent", RunRequest::stop), Error);
}

TEST(RunRequest, NamesRoundTrip) {
  for (const auto request : {RunRequest::none, RunRequest::pause, RunRequest::resume,
                             RunRequest::checkpoint, RunRequest::stop, RunRequest::stop_now}) {
    EXPECT_EQ(run_request_from(to_string(request)), request);
  }
  EXPECT_FALSE(run_request_from("Stop"));
}

}  // namespace
}  // namespace engine
