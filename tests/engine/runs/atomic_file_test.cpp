// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/atomic_file.h"

#include "engine/error.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <iterator>

namespace engine {
namespace {

namespace fs = std::filesystem;
using tests::content_of;
using tests::ScratchFolder;

void write_whole(const fs::path& file, std::string_view text) {
  AtomicFile output(file);
  output.write(text);
  output.commit();
}

int entries_in(const ScratchFolder& folder) {
  return int(std::distance(fs::directory_iterator(folder.path()), {}));
}

TEST(AtomicFile, IsNotThereUntilItIsCommitted) {
  const ScratchFolder folder;
  const fs::path file = folder.write("a", "old");
  {
    AtomicFile output(file);
    output.write("new");
    EXPECT_EQ(content_of(file), "old");
  }
  EXPECT_EQ(content_of(file), "old");
  write_whole(file, "new");
  EXPECT_EQ(content_of(file), "new");
  EXPECT_EQ(entries_in(folder), 1);
}

TEST(AtomicFile, TakesAHeaderThatNamesWhatFollows) {
  const ScratchFolder folder;
  AtomicFile output(folder / "a");
  output.write("?: ids");
  output.rewind();
  output.write("3");
  output.commit();
  EXPECT_EQ(content_of(folder / "a"), "3: ids");
}

TEST(AtomicFile, WritesWhatALinkLeadsTo) {
  const ScratchFolder folder;
  fs::create_directory(folder / "far");
  folder.write("far/there", "old");
  fs::create_symlink("far/there", folder / "link");
  fs::create_symlink("link", folder / "link to a link");
  fs::create_symlink("far/nothing yet", folder / "dangling");
  write_whole(folder / "link to a link", "new");
  write_whole(folder / "dangling", "first");
  EXPECT_EQ(content_of(folder / "far/there"), "new");
  EXPECT_EQ(content_of(folder / "far/nothing yet"), "first");
  for (const char* link : {"link", "link to a link", "dangling"})
    EXPECT_TRUE(fs::is_symlink(folder / link)) << link;
}

TEST(AtomicFile, NeverReplacesADeviceAPipeOrAFolder) {
  const ScratchFolder folder;
  fs::create_directory(folder / "folder");
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  fs::create_symlink("/dev/null", folder / "device");
  fs::create_symlink("circle", folder / "circle");
  for (const char* name : {"folder", "pipe", "device", "circle"}) {
    const fs::path file = folder / name;
    const auto before = fs::symlink_status(file).type();
    EXPECT_FALSE(obstacle_at(file).empty()) << name;
    try {
      write_whole(file, "text");
      ADD_FAILURE() << "replaced the " << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.problems().at(0).id, "cannot-write");
      EXPECT_EQ(error.problems().at(0).place.file, file.string());
      EXPECT_FALSE(error.problems().at(0).remedy.empty());
    }
    EXPECT_EQ(fs::symlink_status(file).type(), before) << name;
  }
  EXPECT_EQ(entries_in(folder), 4);
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_EQ(obstacle_at(folder / "nothing"), "");
}

}  // namespace
}  // namespace engine
