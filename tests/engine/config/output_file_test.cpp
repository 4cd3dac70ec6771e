// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/output_file.h"

#include "tests/support/scratch_folder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

namespace engine {
namespace {

namespace fs = std::filesystem;
using tests::ScratchFolder;

TEST(OutputFile, NeedsAFolderThatIsThereAndIsNone) {
  const ScratchFolder scratch;
  EXPECT_FALSE(output_file_problem("--csv", (scratch / "new.csv").string()));
  EXPECT_FALSE(output_file_problem("--csv", scratch.write("old.csv", "x").string()));
  EXPECT_FALSE(output_file_problem("--csv", ""));
  const auto missing = output_file_problem("--csv", (scratch / "no/new.csv").string());
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->id, "no-folder");
  EXPECT_EQ(missing->place.file, "--csv");
  EXPECT_FALSE(missing->remedy.empty());
  EXPECT_EQ(output_file_problem("--csv", scratch.path().string())->id, "bad-value");
}

TEST(OutputFolder, CanBeMadeBelowOneThatIsThere) {
  const ScratchFolder scratch;
  EXPECT_EQ(obstacle_to_folder(scratch.path()), "");
  EXPECT_EQ(obstacle_to_folder(scratch / "new/below/"), "");
  EXPECT_EQ(obstacle_to_folder("relative/below"), "");
  EXPECT_EQ(nearest_existing_folder(scratch / "new/below"), scratch.path());
}

TEST(OutputFolder, CannotBeMadeWhereSomethingElseStands) {
  const ScratchFolder scratch;
  const fs::path file = scratch.write("file", "x");
  fs::create_symlink("nowhere", scratch / "link");
  for (const fs::path& folder : {file, file / "below", scratch / "link", scratch / "link/below"}) {
    EXPECT_NE(obstacle_to_folder(folder).find("is not a folder"), std::string::npos) << folder;
  }
  if (geteuid() == 0) return;  // nothing is forbidden to root
  fs::permissions(scratch.path(), fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_NE(obstacle_to_folder(scratch / "new"), "");
  fs::permissions(scratch.path(), fs::perms::owner_all);
}

TEST(OutputFile, IsNoDeviceAndNoLinkInACircle) {
  const ScratchFolder scratch;
  fs::create_symlink("circle", scratch / "circle");
  for (const std::string& file : {std::string("/dev/null"), (scratch / "circle").string()}) {
    const auto problem = output_file_problem("--csv", file);
    ASSERT_TRUE(problem) << file;
    EXPECT_EQ(problem->id, "bad-value");
    EXPECT_NE(problem->message.find(file), std::string::npos);
  }
  fs::create_symlink("no/new.csv", scratch / "link");
  EXPECT_EQ(output_file_problem("--csv", (scratch / "link").string())->id, "no-folder");
}

TEST(OutputFile, IsNotWhereTheProgramPrints) {
  const ScratchFolder scratch;
  const std::string file = scratch.write("printed.txt", "").string();
  std::fflush(stdout);
  const int before = dup(STDOUT_FILENO);
  const int printed = open(file.c_str(), O_WRONLY);
  dup2(printed, STDOUT_FILENO);
  const auto by_name = output_file_problem("--csv", file);
  const auto by_device = output_file_problem("--csv", "/dev/stdout");
  dup2(before, STDOUT_FILENO);
  close(printed);
  close(before);
  for (const auto& problem : {by_name, by_device}) {
    ASSERT_TRUE(problem);
    EXPECT_NE(problem->message.find("stdout"), std::string::npos) << problem->message;
  }
  EXPECT_FALSE(output_file_problem("--csv", file));
}

TEST(OutputFile, NeedsAFolderThatTakesFiles) {
  if (geteuid() == 0) GTEST_SKIP() << "the superuser may write everywhere";
  const ScratchFolder scratch;
  fs::create_directory(scratch / "closed");
  fs::permissions(scratch / "closed", fs::perms::owner_read | fs::perms::owner_exec);
  const auto problem = output_file_problem("--csv", (scratch / "closed/new.csv").string());
  fs::permissions(scratch / "closed", fs::perms::owner_all);
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->id, "no-permission");
}

TEST(OutputFile, IsTheSameThroughDotsAndLinks) {
  const ScratchFolder scratch;
  const std::string file = scratch.write("a.yaml", "x").string();
  fs::create_symlink(file, scratch / "link");
  fs::create_hard_link(file, scratch / "hard");
  EXPECT_TRUE(is_same_file(file, (scratch / "." / "a.yaml").string()));
  EXPECT_TRUE(is_same_file(file, (scratch / "link").string()));
  EXPECT_TRUE(is_same_file(file, (scratch / "hard").string()));
  EXPECT_TRUE(is_same_file((scratch / "new").string(), (scratch / "x/../new").string()));
  EXPECT_FALSE(is_same_file(file, (scratch / "b.yaml").string()));
  EXPECT_FALSE(is_same_file("", ""));
}

}  // namespace
}  // namespace engine
