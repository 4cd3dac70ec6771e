// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/token_dataset.h"

#include "engine/data/token_dataset_writer.h"
#include "engine/error.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <map>
#include <numeric>
#include <set>
#include <thread>
#include <vector>

namespace engine {
namespace {

const std::string digest = "0123456789abcdef0123456789abcdef";

std::vector<std::int64_t> block_of(const TokenDataset& data, std::int64_t index) {
  std::vector<std::int64_t> ids(static_cast<std::size_t>(data.block_size()));
  data.copy_block(index, ids.data());
  return ids;
}

void write_tokens(const std::filesystem::path& file, std::int64_t vocab_size) {
  TokenDatasetWriter writer(file, vocab_size, 3, digest);
  writer.append(std::vector<std::int32_t>{0, 1, 2});
  writer.append(std::vector<std::int32_t>{static_cast<std::int32_t>(vocab_size - 1), 7, 9});
  writer.finish();
}

std::string error_of(const std::filesystem::path& file) {
  try {
    TokenDataset::open(file);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(TokenDataset, ReadsWhatWasWrittenInTwoBytesAnId) {
  const tests::ScratchFolder folder;
  write_tokens(folder / "a.tokens", 65536);
  EXPECT_EQ(std::filesystem::file_size(folder / "a.tokens"), 128u + 2 * 3 * 2);
  const TokenDataset data = TokenDataset::open(folder / "a.tokens");
  EXPECT_EQ(data.blocks(), 2);
  EXPECT_EQ(data.block_size(), 3);
  EXPECT_EQ(data.digest(), digest);
  EXPECT_EQ(block_of(data, 0), (std::vector<std::int64_t>{0, 1, 2}));
  EXPECT_EQ(block_of(data, 1), (std::vector<std::int64_t>{65535, 7, 9}));
}

TEST(TokenDataset, UsesFourBytesAnIdForALargeVocabulary) {
  const tests::ScratchFolder folder;
  write_tokens(folder / "a.tokens", 65537);
  EXPECT_EQ(std::filesystem::file_size(folder / "a.tokens"), 128u + 2 * 3 * 4);
  EXPECT_EQ(block_of(TokenDataset::open(folder / "a.tokens"), 1),
            (std::vector<std::int64_t>{65536, 7, 9}));
}

TEST(TokenDataset, ShowsFewerBlocksWhenAskedAndSaysSoInItsDigest) {
  const tests::ScratchFolder folder;
  write_tokens(folder / "a.tokens", 100);
  EXPECT_EQ(TokenDataset::open(folder / "a.tokens", 1).blocks(), 1);
  EXPECT_NE(TokenDataset::open(folder / "a.tokens", 1).digest(), digest);
  EXPECT_EQ(TokenDataset::open(folder / "a.tokens", 5).blocks(), 2);
  EXPECT_EQ(TokenDataset::open(folder / "a.tokens", 5).digest(), digest);
}

TEST(TokenDataset, NoticesEveryDamagedByteAndEveryWrongSize) {
  const tests::ScratchFolder folder;
  write_tokens(folder / "a.tokens", 100);
  const std::string good = tests::content_of(folder / "a.tokens");
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    const auto file = folder.write("bad.tokens", bad);
    EXPECT_NE(error_of(file).find("bad.tokens"), std::string::npos) << "byte " << i;
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_NE(error_of(folder.write("cut.tokens", good.substr(0, size))), "") << size << " bytes";
  }
  EXPECT_NE(error_of(folder.write("long.tokens", good + "x")), "");
  EXPECT_NE(error_of(folder / "absent.tokens"), "");
}

TEST(TokenDatasetWriter, LeavesNothingBehindUnlessItFinishes) {
  const tests::ScratchFolder folder;
  {
    TokenDatasetWriter writer(folder / "a.tokens", 100, 3, digest);
    writer.append(std::vector<std::int32_t>{1, 2, 3});
    EXPECT_FALSE(std::filesystem::exists(folder / "a.tokens"));
    EXPECT_THROW(writer.append(std::vector<std::int32_t>{1, 2, 100}), Error);
    EXPECT_THROW(writer.append(std::vector<std::int32_t>{1, -1, 3}), Error);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(TokenDatasetWriter, NamesTheFolderItCannotMake) {
  const tests::ScratchFolder folder;
  folder.write("file", "x");
  try {
    TokenDatasetWriter writer(folder / "file/below/a.tokens", 100, 3, digest);
    FAIL() << "a file was taken for a folder";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("file/below"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("XDG_CACHE_HOME"), std::string::npos) << error.what();
  }
}

TEST(TokenDatasetWriter, SaysWhenTheDiskIsFull) {
  const tests::ScratchFolder folder;
  TokenDatasetWriter writer(folder / "a.tokens", 100, 3, digest);
  // A limit on the size of a file stands in for a full disk: write() fails in the same place.
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit small = before;
  small.rlim_cur = 4096;
  setrlimit(RLIMIT_FSIZE, &small);
  std::string message;
  try {
    for (int i = 0; i < 1'000'000; ++i) writer.append(std::vector<std::int32_t>{1, 2, 3});
  } catch (const Error& error) {
    message = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_NE(message.find("a.tokens"), std::string::npos) << message;
  EXPECT_NE(message.find("Free space"), std::string::npos) << message;
}

TEST(TokenDatasetWriter, SweepsWhatAKilledProcessLeftADayAgo) {
  const tests::ScratchFolder folder;
  const auto old = folder.write("a.tokens.tmp-1-2-3", "half");
  const auto fresh = folder.write("b.tokens.tmp-1-2-3", "half");
  const auto foreign = folder.write("notes.txt", "mine");
  const auto long_ago = std::filesystem::file_time_type::clock::now() - std::chrono::hours(25);
  std::filesystem::last_write_time(old, long_ago);
  std::filesystem::last_write_time(foreign, long_ago);
  sweep_abandoned_token_files(folder.path());
  EXPECT_FALSE(std::filesystem::exists(old));
  EXPECT_TRUE(std::filesystem::exists(fresh));
  EXPECT_TRUE(std::filesystem::exists(foreign));
}

TEST(TokenDatasetWriter, ManyWritersOfOneFileLeaveOneGoodFile) {
  const tests::ScratchFolder folder;
  std::vector<std::jthread> writers;
  for (int i = 0; i < 8; ++i) {
    writers.emplace_back([&] {
      for (int repeat = 0; repeat < 10; ++repeat) write_tokens(folder / "a.tokens", 100);
    });
  }
  writers.clear();
  EXPECT_EQ(TokenDataset::open(folder / "a.tokens").blocks(), 2);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

std::vector<std::int64_t> order_of(std::uint64_t seed, std::int64_t epoch, std::int64_t count) {
  const BlockOrder order(seed, epoch, count);
  std::vector<std::int64_t> visited;
  for (std::int64_t i = 0; i < count; ++i) visited.push_back(order[i]);
  return visited;
}

TEST(BlockOrder, VisitsEveryBlockOnce) {
  std::vector<std::int64_t> counts(300);
  std::iota(counts.begin(), counts.end(), 1);
  counts.insert(counts.end(), {1023, 1024, 1025, 4095, 4097, 65535, 65536, 65537, 100003});
  for (const std::int64_t count : counts) {
    std::vector<std::int64_t> visited = order_of(42, 3, count);
    std::sort(visited.begin(), visited.end());
    for (std::int64_t i = 0; i < count; ++i)
      ASSERT_EQ(visited[static_cast<std::size_t>(i)], i) << count;
  }
}

TEST(BlockOrder, IsAFunctionOfSeedEpochAndCount) {
  EXPECT_EQ(order_of(1, 0, 1000), order_of(1, 0, 1000));
  std::set<std::vector<std::int64_t>> different;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    for (std::int64_t epoch = 0; epoch < 10; ++epoch) different.insert(order_of(seed, epoch, 50));
  }
  EXPECT_EQ(different.size(), 100u);
}

TEST(BlockOrder, StaysTheSameInEveryVersion) {
  EXPECT_EQ(order_of(42, 0, 10), (std::vector<std::int64_t>{3, 1, 9, 2, 4, 5, 7, 6, 0, 8}));
}

TEST(BlockOrder, ReachesEveryPermutationEquallyOften) {
  std::map<std::vector<std::int64_t>, int> seen;
  constexpr int draws = 120 * 200;
  for (int seed = 0; seed < draws; ++seed) ++seen[order_of(static_cast<std::uint64_t>(seed), 0, 5)];
  ASSERT_EQ(seen.size(), 120u);
  double chi_square = 0;
  for (const auto& [permutation, times] : seen)
    chi_square += (times - 200.0) * (times - 200.0) / 200.0;
  // 119 degrees of freedom: mean 119, standard deviation 15.4; the bound is 5 of them above.
  EXPECT_LT(chi_square, 119 + 5 * 15.4);
}

TEST(BlockOrder, LeavesNoTraceOfTheOriginalOrder) {
  constexpr std::int64_t count = 20000;
  const std::vector<std::int64_t> visited = order_of(7, 1, count);
  std::vector<int> cells(100, 0);
  for (std::int64_t i = 0; i < count; ++i) {
    ++cells[static_cast<std::size_t>(i / (count / 10) * 10 +
                                     visited[static_cast<std::size_t>(i)] / (count / 10))];
  }
  double chi_square = 0;
  for (const int cell : cells) chi_square += (cell - 200.0) * (cell - 200.0) / 200.0;
  // 81 degrees of freedom (rows and columns are fixed): mean 81, standard deviation 12.7.
  EXPECT_LT(chi_square, 81 + 5 * 12.7);
  EXPECT_GT(chi_square, 81 - 5 * 12.7);
}

TEST(BlockOrder, SeeksAnywhereInBoundedTime) {
  const BlockOrder order(42, 0, 3'000'000'000'000);
  std::set<std::int64_t> distinct;
  const auto start = std::chrono::steady_clock::now();
  for (std::int64_t i = 0; i < 1000; ++i) distinct.insert(order[2'999'999'999'999 - i]);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(distinct.size(), 1000u);
  EXPECT_GE(*distinct.begin(), 0);
  EXPECT_LT(*distinct.rbegin(), 3'000'000'000'000);
  EXPECT_LT(took.count(), 1.0);
}

}  // namespace
}  // namespace engine
