// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/parquet_text.h"

#include "engine/error.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

namespace engine {
namespace {

const std::filesystem::path golden =
    std::filesystem::path(PARADIGM_SOURCE_DIR) / "tests/golden/data";

struct Read {
  std::vector<std::string> texts;
  std::int64_t skipped = 0;
};

Read read(const std::filesystem::path& file) {
  const auto stream = open_parquet_text(file);
  Read all;
  std::string text;
  std::uint64_t before = 0;
  while (stream->next(text)) {
    all.texts.push_back(text);
    EXPECT_GE(stream->bytes_read(), before);
    before = stream->bytes_read();
  }
  EXPECT_FALSE(stream->next(text));
  EXPECT_EQ(stream->bytes_read(), std::filesystem::file_size(file));
  all.skipped = stream->skipped();
  return all;
}

std::string error_of(const std::filesystem::path& file) {
  try {
    read(file);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(ParquetText, ReadsZstdRowGroupsAndCountsNulls) {
  const Read all = read(golden / "texts.parquet");
  EXPECT_EQ(all.texts.size(), 55u);
  EXPECT_EQ(all.skipped, 5);
}

TEST(ParquetText, ReadsDictionariesAndLargeStringsAlike) {
  const Read plain = read(golden / "texts.parquet");
  for (const char* name : {"dictionary.parquet", "large_string.parquet"}) {
    const Read other = read(golden / name);
    EXPECT_EQ(other.texts, plain.texts) << name;
    EXPECT_EQ(other.skipped, 5) << name;
  }
}

TEST(ParquetText, NamesTheColumnThatIsNoText) {
  const std::string message = error_of(golden / "numbers.parquet");
  EXPECT_NE(message.find("numbers.parquet: error: column \"count\" is of type int64, not a string"),
            std::string::npos)
      << message;
}

TEST(ParquetText, GivesNothingFromAFileWithoutRows) {
  EXPECT_TRUE(read(golden / "no_rows.parquet").texts.empty());
}

TEST(ParquetText, RefusesWhatIsNoParquet) {
  const tests::ScratchFolder folder;
  EXPECT_NE(error_of(folder.write("a.parquet", "")).find("is empty"), std::string::npos);
  EXPECT_NE(error_of(folder.write("a.parquet", "plain text, not Parquet"))
                .find("a.parquet: error: the Parquet file cannot be read"),
            std::string::npos);
  EXPECT_NE(error_of(folder / "absent.parquet"), "");
}

TEST(ParquetText, SurvivesEveryCutAndDamage) {
  const tests::ScratchFolder folder;
  const std::string good = tests::content_of(golden / "texts.parquet");
  ASSERT_GT(good.size(), 1000u);
  for (std::size_t size = 0; size < good.size(); size += 37) {
    const std::string message = error_of(folder.write("cut.parquet", good.substr(0, size)));
    EXPECT_NE(message.find("cut.parquet"), std::string::npos) << size;
  }
  int refused = 0;
  for (std::size_t i = 0; i < good.size(); i += 11) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0xFF);
    const std::string message = error_of(folder.write("bad.parquet", bad));
    if (message.empty()) continue;
    ++refused;
    EXPECT_NE(message.find("bad.parquet"), std::string::npos) << message;
  }
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace engine
