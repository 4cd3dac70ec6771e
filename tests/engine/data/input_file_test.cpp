// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/input_file.h"

#include "engine/error.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <string>

namespace engine {
namespace {

TEST(InputFile, HashesContentAndNothingElse) {
  const tests::ScratchFolder folder;
  const auto a = folder.write("a", "one text");
  const auto b = folder.write("b", "one text");
  const auto c = folder.write("c", "two text");
  EXPECT_EQ(content_hash(a), content_hash(b));
  EXPECT_NE(content_hash(a), content_hash(c));
  // XXH3_128bits of no bytes, from the algorithm's published test vectors.
  EXPECT_EQ(content_hash(folder.write("empty", "")), "99aa06d3014798d86001c324468d497f");
}

TEST(InputFile, ReportsEveryByteItHashes) {
  const tests::ScratchFolder folder;
  const auto file = folder.write("a", std::string((std::size_t{9} << 20) + 5, 'x'));
  std::uint64_t bytes = 0;
  content_hash(file, [&](std::uint64_t more) { bytes += more; });
  EXPECT_EQ(bytes, (std::uint64_t{9} << 20) + 5);
}

TEST(InputFile, StampChangesWithTheFile) {
  const tests::ScratchFolder folder;
  const auto file = folder.write("a", "one");
  const std::string before = file_stamp(file);
  EXPECT_EQ(file_stamp(file), before);
  tests::append_to(file, "more");
  EXPECT_NE(file_stamp(file), before);
}

TEST(InputFile, DoesNotWaitForAPipe) {
  const tests::ScratchFolder folder;
  EXPECT_THROW(InputFile("/dev/null"), Error);
  EXPECT_THROW(InputFile(folder.path()), Error);
  EXPECT_THROW(InputFile(folder / "absent"), Error);
}

}  // namespace
}  // namespace engine
