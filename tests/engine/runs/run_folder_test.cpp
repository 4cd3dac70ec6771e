// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/run_folder.h"

#include "engine/error.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace engine {
namespace {

using tests::ScratchFolder;

int files_in(const ScratchFolder& folder) {
  return int(std::distance(std::filesystem::directory_iterator(folder.path()), {}));
}

TEST(ReplaceFile, ReplacesAndLeavesNoTemporaryFile) {
  const ScratchFolder folder;
  for (const ReplaceMode mode : {ReplaceMode::durable, ReplaceMode::atomic}) {
    replace_file(folder / "a", std::string("old\0text", 8), mode);
    replace_file(folder / "a", "new", mode);
    EXPECT_EQ(read_file(folder / "a"), "new");
    EXPECT_EQ(files_in(folder), 1);
  }
}

TEST(ReplaceFile, AFailureNamesTheFileAndLeavesNothing) {
  const ScratchFolder folder;
  std::filesystem::create_directory(folder / "taken");
  try {
    replace_file(folder / "taken", "text");
    FAIL() << "replaced a folder";
  } catch (const Error& error) {
    EXPECT_EQ(error.problems().at(0).id, "cannot-write");
    EXPECT_EQ(error.problems().at(0).place.file, (folder / "taken").string());
    EXPECT_FALSE(error.problems().at(0).remedy.empty());
  }
  EXPECT_EQ(files_in(folder), 1);
  EXPECT_THROW(replace_file(folder / "absent/a", "text"), Error);
}

TEST(ReplaceFile, AReaderNeverSeesAPart) {
  const ScratchFolder folder;
  const std::string a(200000, 'a');
  const std::string b(100000, 'b');
  replace_file(folder / "f", a, ReplaceMode::atomic);
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 0; i < 200; ++i) replace_file(folder / "f", i % 2 ? a : b, ReplaceMode::atomic);
    done = true;
  });
  while (!done) {
    const std::string seen = read_file(folder / "f");
    ASSERT_TRUE(seen == a || seen == b) << seen.size();
  }
  writer.join();
}

TEST(ReadFile, AbsentAndFolderAreErrorsThatNameTheFile) {
  const ScratchFolder folder;
  EXPECT_THROW(read_file(folder / "absent"), Error);
  try {
    read_file(folder.path());
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(folder.path().string()), std::string::npos);
  }
}

TEST(RunLock, SecondHolderIsRefusedAlsoInTheSameProcess) {
  const ScratchFolder folder;
  EXPECT_EQ(RunLock::state(folder.path()), LockState::unknown);
  EXPECT_EQ(files_in(folder), 0) << "looking creates nothing";
  {
    auto lock = RunLock::acquire(folder.path());
    ASSERT_TRUE(lock);
    EXPECT_TRUE(RunLock::is_held(folder.path()));
    EXPECT_FALSE(RunLock::acquire(folder.path()));
    EXPECT_NE(RunLock::holder(folder.path()).find("process " + std::to_string(getpid())),
              std::string::npos);
    const RunLock moved = std::move(*lock);
    lock.reset();
    EXPECT_TRUE(RunLock::is_held(folder.path())) << "a moved-from lock must not release";
  }
  EXPECT_EQ(RunLock::state(folder.path()), LockState::free);
  EXPECT_TRUE(RunLock::acquire(folder.path()));
}

TEST(RunLock, DiesWithItsHolder) {
  const ScratchFolder folder;
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto lock = RunLock::acquire(folder.path());
    const char sign = lock ? 'y' : 'n';
    if (write(ready[1], &sign, 1) != 1) _exit(1);
    for (;;) pause();
  }
  char sign = 0;
  ASSERT_EQ(read(ready[0], &sign, 1), 1);
  EXPECT_EQ(sign, 'y');
  EXPECT_TRUE(RunLock::is_held(folder.path()));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_FALSE(RunLock::is_held(folder.path()));
}

TEST(RunLock, WatchersNeitherTakeNorBreakIt) {
  const ScratchFolder folder;
  { const auto once = RunLock::acquire(folder.path()); }
  std::atomic<bool> done{false};
  std::vector<std::thread> watchers;
  for (int i = 0; i < 3; ++i) {
    watchers.emplace_back([&] {
      while (!done) RunLock::is_held(folder.path());
    });
  }
  for (int i = 0; i < 100; ++i) {
    const auto lock = RunLock::acquire(folder.path());
    EXPECT_TRUE(lock) << "a look of a watcher was taken for a holder";
  }
  done = true;
  for (auto& watcher : watchers) watcher.join();
}

}  // namespace
}  // namespace engine
