// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/text_source.h"

#include "engine/error.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace engine {
namespace {

std::string first_text(const std::filesystem::path& file, bool keep_linebreaks = true) {
  std::string text;
  EXPECT_TRUE(open_text_file(file, keep_linebreaks)->next(text));
  return text;
}

TEST(TextSource, ChoosesTheReaderByTheEnding) {
  const tests::ScratchFolder folder;
  const std::string row = "{\"text\":\"inside\"}\n";
  EXPECT_EQ(first_text(folder.write("a.txt", row)), row);
  EXPECT_EQ(first_text(folder.write("a.txt", row), false), "{\"text\":\"inside\"}");
  EXPECT_EQ(first_text(folder.write("a.json", row)), "inside");
  EXPECT_EQ(first_text(folder.write("a.jsonl", row)), "inside");
  const std::filesystem::path golden =
      std::filesystem::path(PARADIGM_SOURCE_DIR) / "tests/golden/data";
  EXPECT_FALSE(first_text(golden / "texts.parquet").empty());
  EXPECT_THROW(open_text_file(folder.write("a.csv", row), true), Error);
}

TEST(TextFiles, GiveTheTextsOfOneFileAfterTheOther) {
  const tests::ScratchFolder folder;
  TextFiles files({folder.write("a.txt", "a\nb"),
                   folder.write("b.jsonl", "{\"text\":null}\n{\"text\":\"c\"}\n")},
                  true);
  std::string joined;
  for (std::string text; files.next(text);) joined += text + "|";
  EXPECT_EQ(joined, "a\n|b|c|");
  EXPECT_EQ(files.bytes_read(), 3u + 14 + 13);
  ASSERT_EQ(files.messages().size(), 1u);
  EXPECT_NE(files.messages()[0].find("b.jsonl: 1 of 2 rows"), std::string::npos)
      << files.messages()[0];
}

TEST(TextFiles, RefuseAFileWithoutText) {
  const tests::ScratchFolder folder;
  TextFiles files({folder.write("a.txt", "a"), folder.write("b.json", "[]")}, true);
  std::string text;
  EXPECT_TRUE(files.next(text));
  EXPECT_THROW(files.next(text), Error);
}

}  // namespace
}  // namespace engine
