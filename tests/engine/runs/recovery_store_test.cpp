// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/recovery_store.h"

#include "engine/digest.h"
#include "engine/error.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>

namespace engine {
namespace {

namespace fs = std::filesystem;

std::size_t entries_below(const fs::path& folder) {
  std::size_t count = 0;
  for (const auto& each : fs::recursive_directory_iterator(folder))
    count += each.path().extension() == ".recovery";
  return count;
}

TEST(RecoveryStore, FindsTheTextsOfAKilledProcess) {
  const tests::ScratchFolder scratch;
  const fs::path folder = scratch / "recovery";
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // Saves ever longer texts until it is killed, most likely in the middle of one.
    RecoveryStore store(folder);
    store.save("/home/me/ä.yaml", sha256_hex("old"), "kept: null\n");
    std::string text;
    for (int i = 0;; ++i) {
      text += "# line " + std::to_string(i) + "\n";
      store.save("/home/me/b.yaml", "", text);
      if (i == 20 && write(ready[1], "x", 1) != 1) _exit(1);
    }
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  {
    RecoveryStore other(folder);
    EXPECT_TRUE(other.adopt_abandoned().empty()) << "the child lives";
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);

  RecoveryStore store(folder);
  const std::vector<RecoveredText> found = store.adopt_abandoned();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].file, "/home/me/ä.yaml");
  EXPECT_EQ(found[0].base_sha256, sha256_hex("old"));
  EXPECT_EQ(found[0].text, "kept: null\n");
  EXPECT_EQ(found[1].file, "/home/me/b.yaml");
  EXPECT_GE(found[1].text.size(), 20 * std::string("# line 0\n").size());
  EXPECT_EQ(found[1].text.back(), '\n') << "a whole text, not a part of one";
  EXPECT_GT(found[1].saved_at, found[0].saved_at);
  store.remove(found[0]);
  store.remove(found[1]);
  EXPECT_EQ(entries_below(folder), 0u);
  close(ready[0]);
  close(ready[1]);
}

TEST(RecoveryStore, AdoptedTextsSurviveAnotherCrashUntilTheyAreRemoved) {
  const tests::ScratchFolder scratch;
  const fs::path folder = scratch / "recovery";
  for (int crash = 0; crash < 2; ++crash) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      RecoveryStore store(folder);
      if (crash == 0)
        store.save("a", "", "text");
      else if (store.adopt_abandoned().size() != 1)
        _exit(1);
      kill(getpid(), SIGKILL);
    }
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
  }
  RecoveryStore store(folder);
  store.save("a", "", "newer");
  const std::vector<RecoveredText> found = store.adopt_abandoned();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].text, "text");
  EXPECT_EQ(entries_below(folder), 2u) << "the window's own text of that name is another one";
}

TEST(RecoveryStore, SavedTextsLeaveNothingBehind) {
  const tests::ScratchFolder scratch;
  const fs::path folder = scratch / "recovery";
  {
    RecoveryStore store(folder);
    store.save("a", "", "1");
    store.save("a", "", "2");
    EXPECT_EQ(entries_below(folder), 1u);
    store.discard("a");
    store.discard("never kept");
  }
  EXPECT_TRUE(fs::is_empty(folder));
}

TEST(RecoveryStore, LeavesDamagedEntriesAlone) {
  const tests::ScratchFolder scratch;
  const fs::path folder = scratch / "recovery";
  {
    RecoveryStore store(folder);
    store.save("a", "", "text\r\n\xff without a last break");
    store.save("b", "", "");
  }
  for (const auto& each : fs::recursive_directory_iterator(folder))
    if (each.path().extension() == ".recovery" &&
        tests::content_of(each.path()).find("text") != std::string::npos)
      fs::copy(each.path(), each.path().parent_path() / "torn.recovery");
  for (const auto& each : fs::recursive_directory_iterator(folder))
    if (each.path().filename() == "torn.recovery") fs::resize_file(each.path(), 90);
  scratch.write("recovery/other-place/x.recovery", "garbage");
  RecoveryStore store(folder);
  const std::vector<RecoveredText> found = store.adopt_abandoned();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].text, "text\r\n\xff without a last break");
  EXPECT_EQ(found[1].text, "");
  EXPECT_EQ(entries_below(folder), 4u);
}

TEST(RecoveryStore, SaysWhereItCannotWrite) {
  const tests::ScratchFolder scratch;
  scratch.write("file", "");
  try {
    RecoveryStore store(scratch / "file");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("file"), std::string::npos);
  }
}

}  // namespace
}  // namespace engine
