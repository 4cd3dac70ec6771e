// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/trial/scan_results.h"

#include "engine/error.h"
#include "tests/support/program_run.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace engine {
namespace {

ScanCell cell(double loss) { return {.losses = {{loss, loss + 0.1}, {loss + 0.2, loss}}}; }

TEST(ScanResults, AreFoundAgainToTheLastBit) {
  const tests::ScratchFolder folder;
  const auto file = folder / "new/folder/scan.jsonl";
  {
    ScanResultsFile results(file);
    results.add("one", "a alone", cell(1.0 / 3));
    ScanCell broken = cell(std::numeric_limits<double>::infinity());
    broken.losses[0][0] = std::nan("");
    broken.sqnr_db = std::numeric_limits<double>::infinity();
    results.add("two", "b alone", broken);
  }
  const ScanResultsFile again(file);
  ASSERT_NE(again.find("one"), nullptr);
  EXPECT_EQ(again.find("one")->losses, cell(1.0 / 3).losses);
  EXPECT_TRUE(std::isnan(again.find("one")->sqnr_db));
  ASSERT_NE(again.find("two"), nullptr);
  EXPECT_TRUE(std::isnan(again.find("two")->losses[0][0]));
  EXPECT_TRUE(std::isinf(again.find("two")->losses[1][1]));
  EXPECT_TRUE(std::isinf(again.find("two")->sqnr_db));
  EXPECT_EQ(again.find("three"), nullptr);
}

TEST(ScanResults, ATornLineIsPassedOverAndTheNextOneIsWhole) {
  const tests::ScratchFolder folder;
  const auto file = folder / "scan.jsonl";
  ScanResultsFile(file).add("one", "a", cell(1));
  const std::string whole = tests::content_of(file);
  folder.write("scan.jsonl", whole + whole.substr(0, whole.size() / 2));
  ScanResultsFile torn(file);
  EXPECT_NE(torn.find("one"), nullptr);
  torn.add("two", "b", cell(2));
  const ScanResultsFile again(file);
  EXPECT_NE(again.find("one"), nullptr);
  EXPECT_NE(again.find("two"), nullptr);
}

TEST(ScanResults, WhatIsNoCellIsPassedOver) {
  const tests::ScratchFolder folder;
  folder.write("scan.jsonl",
               "\xff\xfe\n[]\n{\"key\": \"a\"}\n{\"key\": \"b\", \"losses\": [[1, 2], [3]]}\n"
               "{\"key\": \"c\", \"losses\": [[1, \"x\"]]}\n{\"losses\": [[1]]}\n"
               "{\"key\": \"d\", \"losses\": [[1.5]]}\n");
  const ScanResultsFile results(folder / "scan.jsonl");
  for (const char* key : {"a", "b", "c", ""}) EXPECT_EQ(results.find(key), nullptr) << key;
  ASSERT_NE(results.find("d"), nullptr);
  EXPECT_EQ(results.find("d")->losses[0][0], 1.5);
}

TEST(ScanResults, AFolderIsNoFile) {
  const tests::ScratchFolder folder;
  std::filesystem::create_directory(folder / "scan.jsonl");
  EXPECT_THROW(ScanResultsFile(folder / "scan.jsonl"), Error);
  folder.write("file", "");
  EXPECT_THROW(ScanResultsFile(folder / "file/scan.jsonl"), Error);
}

}  // namespace
}  // namespace engine
