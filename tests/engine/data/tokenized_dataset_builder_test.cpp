// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/tokenized_dataset_builder.h"

#include "engine/error.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace engine {
namespace {

namespace fs = std::filesystem;

/// One id a byte, and a count of the bytes encoded.
class ByteEncoder {
 public:
  TextToIds encoder() {
    TextToIds result;
    result.encode_batch = [this](std::span<const std::string> texts) {
      std::vector<std::vector<std::int32_t>> all;
      for (const std::string& text : texts) {
        auto& ids = all.emplace_back();
        for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
        encoded_ += text.size();
        largest_batch_ = std::max(largest_batch_, texts.size());
      }
      return all;
    };
    result.vocab_size = 256;
    result.digest = digest_;
    return result;
  }
  std::size_t take_encoded() { return std::exchange(encoded_, 0); }
  std::size_t largest_batch() const { return largest_batch_; }
  void rename(std::string digest) { digest_ = std::move(digest); }

 private:
  std::size_t encoded_ = 0;
  std::size_t largest_batch_ = 0;
  std::string digest_ = "bytes";
};

class TokenizeSplits : public ::testing::Test {
 protected:
  TokenizedSplits make(const TextSources& sources, std::int64_t block_size, bool train = true,
                       bool validation = true) {
    return tokenize_splits(sources, bytes_.encoder(), block_size, train, validation, cache());
  }
  fs::path cache() const { return folder_ / "cache"; }

  std::string error_of(const TextSources& sources, std::int64_t block_size, bool train = true,
                       bool validation = true) {
    try {
      make(sources, block_size, train, validation);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  static std::string text_of(const TokenDataset& data) {
    std::string text;
    std::vector<std::int64_t> ids(static_cast<std::size_t>(data.block_size()));
    for (std::int64_t i = 0; i < data.blocks(); ++i) {
      data.copy_block(i, ids.data());
      for (const std::int64_t id : ids) text += static_cast<char>(id);
    }
    return text;
  }

  std::vector<fs::path> cache_files() const {
    std::vector<fs::path> files;
    if (fs::exists(cache())) {
      for (const auto& entry : fs::directory_iterator(cache())) files.push_back(entry.path());
    }
    return files;
  }

  static std::string numbered_lines(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += std::to_string(i) + "\n";
    return text;
  }

  const tests::ScratchFolder folder_;
  ByteEncoder bytes_;
};

TEST(PercentOfTexts, RoundsAsDatasetsSlices) {
  // (texts, length of train[:5%]), found by loading files of that many lines with the `datasets`
  // package 5.0.1.
  const std::pair<std::int64_t, std::int64_t> five_percent[] = {
      {11, 1}, {29, 1},  {30, 2},  {31, 2},  {50, 2}, {70, 4},
      {90, 4}, {110, 6}, {130, 6}, {150, 8}, {170, 8}};
  for (const auto& [count, expected] : five_percent)
    EXPECT_EQ(percent_of_texts(5, count), expected) << count;
  EXPECT_EQ(percent_of_texts(5, 9), 0);
  EXPECT_EQ(percent_of_texts(5, 10), 0);
  EXPECT_EQ(percent_of_texts(0, 10), 0);
  EXPECT_EQ(percent_of_texts(100, 7), 7);
}

TEST_F(TokenizeSplits, CutsTheFirstPercentOfTrainForValidation) {
  TextSources sources;
  sources.train_files = {folder_.write("a.txt", numbered_lines(2100))};
  const TokenizedSplits splits = make(sources, 8);
  std::string head;
  for (int i = 0; i < 105; ++i) head += std::to_string(i) + "\n";
  EXPECT_EQ(text_of(*splits.validation), head.substr(0, head.size() / 8 * 8));
  std::string train;
  for (int begin = 105; begin < 2100; begin += 1000) {
    std::string part;
    for (int i = begin; i < std::min(begin + 1000, 2100); ++i) part += std::to_string(i) + "\n";
    train += part.substr(0, part.size() / 8 * 8);
  }
  EXPECT_EQ(text_of(*splits.train), train);
}

TEST_F(TokenizeSplits, JoinsFilesAndLeavesAGivenValidationAlone) {
  TextSources sources;
  sources.train_files = {folder_.write("a.txt", "abc\ndef"),
                         folder_.write("b.jsonl", "{\"text\":\"ghi\"}\n")};
  sources.validation_files = {folder_.write("v.txt", "12345")};
  sources.validation_split_percentage = 50;
  const TokenizedSplits splits = make(sources, 2);
  EXPECT_EQ(text_of(*splits.train), "abc\ndefghi");
  EXPECT_EQ(text_of(*splits.validation), "1234");
}

TEST_F(TokenizeSplits, MakesOnlyWhatIsWantedAndStopsReadingThere) {
  TextSources sources;
  sources.train_files = {folder_.write("a.txt", numbered_lines(1000))};
  const TokenizedSplits validation = make(sources, 4, false, true);
  EXPECT_FALSE(validation.train);
  EXPECT_EQ(bytes_.take_encoded(), 10u * 2 + 40 * 3);
  const TokenizedSplits train = make(sources, 4, true, false);
  EXPECT_FALSE(train.validation);
  EXPECT_EQ(bytes_.take_encoded(), numbered_lines(1000).size() - (10u * 2 + 40 * 3));
  EXPECT_EQ(cache_files().size(), 2u);
}

TEST_F(TokenizeSplits, ReadsTheCacheWhileNothingChanged) {
  TextSources sources;
  sources.train_files = {folder_.write("a.txt", numbered_lines(500))};
  const TokenizedSplits first = make(sources, 4);
  EXPECT_GT(bytes_.take_encoded(), 0u);
  const TokenizedSplits again = make(sources, 4);
  EXPECT_EQ(bytes_.take_encoded(), 0u);
  EXPECT_EQ(text_of(*again.train), text_of(*first.train));
  EXPECT_EQ(again.train->digest(), first.train->digest());
  EXPECT_NE(again.train->digest(), again.validation->digest());

  TextSources moved = sources;
  moved.train_files = {folder_.write("elsewhere/b.txt", numbered_lines(500))};
  make(moved, 4);
  EXPECT_EQ(bytes_.take_encoded(), 0u) << "the same content under another name";
}

TEST_F(TokenizeSplits, TokenisesAnewWhenAnythingThatCountsChanges) {
  TextSources sources;
  sources.train_files = {folder_.write("a.txt", numbered_lines(500))};
  make(sources, 4);
  bytes_.take_encoded();
  make(sources, 5);
  EXPECT_GT(bytes_.take_encoded(), 0u) << "block size";
  TextSources other = sources;
  other.keep_linebreaks = false;
  make(other, 4);
  EXPECT_GT(bytes_.take_encoded(), 0u) << "line breaks";
  other = sources;
  other.validation_split_percentage = 6;
  make(other, 4);
  EXPECT_GT(bytes_.take_encoded(), 0u) << "percentage";
  other = sources;
  other.train_files.push_back(folder_.write("b.txt", numbered_lines(500)));
  make(other, 4);
  EXPECT_GT(bytes_.take_encoded(), 0u) << "files";
  bytes_.rename("other bytes");
  make(sources, 4);
  EXPECT_GT(bytes_.take_encoded(), 0u) << "tokenizer";
  bytes_.rename("bytes");
  make(sources, 4);
  EXPECT_EQ(bytes_.take_encoded(), 0u) << "back again";
  folder_.write("a.txt", "1" + numbered_lines(500).substr(1));
  make(sources, 4);
  EXPECT_GT(bytes_.take_encoded(), 0u) << "one byte of the text, size unchanged";
}

TEST_F(TokenizeSplits, RewritesADamagedCacheFileAndSaysSo) {
  TextSources sources;
  sources.train_files = {folder_.write("a.txt", numbered_lines(500))};
  sources.validation_files = {folder_.write("v.txt", "some text")};
  const std::string good = text_of(*make(sources, 4).train);
  for (const fs::path& file : cache_files()) tests::append_to(file, "x");
  bytes_.take_encoded();
  const TokenizedSplits splits = make(sources, 4);
  EXPECT_GT(bytes_.take_encoded(), 0u);
  EXPECT_EQ(text_of(*splits.train), good);
  ASSERT_EQ(splits.messages.size(), 2u);
  EXPECT_NE(splits.messages[0].find("it is written again"), std::string::npos)
      << splits.messages[0];
  EXPECT_TRUE(make(sources, 4).messages.empty());
}

TEST_F(TokenizeSplits, CountsSamplesInBlocks) {
  TextSources sources;
  sources.train_files = {folder_.write("a.txt", "abcdefghij")};
  sources.validation_files = {folder_.write("v.txt", "12345678")};
  sources.max_train_samples = 2;
  sources.max_eval_samples = 100;
  const TokenizedSplits splits = make(sources, 2);
  EXPECT_EQ(text_of(*splits.train), "abcd");
  EXPECT_EQ(text_of(*splits.validation), "12345678");
  sources.max_train_samples = 0;
  EXPECT_NE(error_of(sources, 2).find("--max_train_samples"), std::string::npos);
}

TEST_F(TokenizeSplits, SaysHowManyRowsHadNoText) {
  TextSources sources;
  sources.train_files = {
      folder_.write("a.jsonl", "{\"text\":null}\n{\"text\":\"abcd\"}\n{\"text\":null}\n")};
  sources.validation_files = sources.train_files;
  const TokenizedSplits splits = make(sources, 2, true, false);
  ASSERT_EQ(splits.messages.size(), 1u);
  EXPECT_NE(splits.messages[0].find("a.jsonl: 2 of 3 rows"), std::string::npos)
      << splits.messages[0];
}

TEST_F(TokenizeSplits, NamesTheFileItCannotUse) {
  TextSources sources;
  const auto refusal = [&](const fs::path& file, std::int64_t block_size = 4) {
    sources.train_files = {folder_.write("good.txt", numbered_lines(100)), file};
    return error_of(sources, block_size);
  };
  EXPECT_NE(refusal(folder_.write("empty.txt", "")).find("empty.txt: error: the file is empty"),
            std::string::npos);
  EXPECT_NE(refusal(folder_.write("bin.txt", std::string("a\n\0", 3))).find("bin.txt:2"),
            std::string::npos);
  EXPECT_NE(refusal(folder_.write("a.csv", "a,b")).find("a.csv: error: csv"), std::string::npos);
  EXPECT_NE(refusal(folder_ / "absent.txt").find("absent.txt"), std::string::npos);
  EXPECT_NE(refusal(folder_.write("nulls.jsonl", "{\"text\":null}\n"))
                .find("nulls.jsonl: error: all 1 rows are null"),
            std::string::npos);
  EXPECT_NE(
      refusal(folder_.write("none.json", "[]")).find("none.json: error: the file holds no text"),
      std::string::npos);
  EXPECT_TRUE(cache_files().empty()) << "something was left behind";
}

TEST_F(TokenizeSplits, SaysWhichSplitIsShorterThanABlock) {
  TextSources sources;
  sources.train_files = {folder_.write("a.txt", numbered_lines(100))};
  std::string message = error_of(sources, 64);
  EXPECT_NE(message.find("a.txt: error: the text is too short for the validation split: of its 100 "
                         "texts, the first 5 % (5)"),
            std::string::npos)
      << message;
  EXPECT_NE(message.find("10 ids are less than one block of 64"), std::string::npos) << message;
  EXPECT_NE(message.find("--block_size"), std::string::npos) << message;
  message = error_of(sources, 1000, true, false);
  EXPECT_NE(message.find("training split"), std::string::npos) << message;
  sources.validation_files = {folder_.write("v.txt", "short")};
  message = error_of(sources, 64);
  EXPECT_NE(message.find("v.txt: error: the text is too short for the validation split: its 5 ids"),
            std::string::npos)
      << message;
  sources.train_files = {folder_.write("long.txt", numbered_lines(3000))};
  sources.validation_files = sources.train_files;
  message = error_of(sources, 6000);
  EXPECT_NE(message.find("5000 ids (the most of any 1000 texts in a row)"), std::string::npos)
      << message;
}

TEST_F(TokenizeSplits, RefusesValuesOutOfRangeAndMissingFiles) {
  TextSources sources;
  EXPECT_NE(error_of(sources, 4).find("--train_file"), std::string::npos);
  sources.train_files = {folder_.write("a.txt", "abcdef")};
  EXPECT_NE(error_of(sources, 0).find("--block_size"), std::string::npos);
  sources.validation_split_percentage = 101;
  EXPECT_NE(error_of(sources, 4).find("--validation_split_percentage"), std::string::npos);
}

TEST_F(TokenizeSplits, LeavesNothingBehindWhenCancelled) {
  TextSources sources;
  sources.train_files = {folder_.write("a.txt", numbered_lines(1000))};
  for (const std::string stage : {"reading", "counting", "tokenising"}) {
    EXPECT_THROW(tokenize_splits(sources, bytes_.encoder(), 4, true, true, cache(),
                                 [&](const DataProgress& progress) {
                                   if (progress.stage == stage)
                                     throw std::runtime_error("cancelled");
                                 }),
                 std::runtime_error);
    EXPECT_TRUE(cache_files().empty()) << stage;
  }
}

TEST_F(TokenizeSplits, ReportsProgressThatReachesItsEnd) {
  TextSources sources;
  sources.train_files = {folder_.write("a.txt", numbered_lines(100'000)),
                         folder_.write("b.jsonl", "{\"text\":\"x\"}\n")};
  std::vector<DataProgress> heard;
  tokenize_splits(sources, bytes_.encoder(), 4, true, true, cache(),
                  [&](const DataProgress& progress) {
                    if (!heard.empty() && heard.back().stage == progress.stage) {
                      EXPECT_GE(progress.done_bytes, heard.back().done_bytes);
                      EXPECT_EQ(progress.total_bytes, heard.back().total_bytes);
                    }
                    heard.push_back(progress);
                  });
  ASSERT_FALSE(heard.empty());
  EXPECT_EQ(heard.front().stage, "reading");
  EXPECT_EQ(heard.back().stage, "tokenising");
  EXPECT_EQ(heard.back().done_bytes, heard.back().total_bytes);
  EXPECT_LE(bytes_.largest_batch(), 20'000u) << "texts held in memory at once";
}

TEST_F(TokenizeSplits, NoticesAFileThatChangesWhileItIsRead) {
  TextSources sources;
  const fs::path file = folder_.write("a.txt", numbered_lines(1000));
  sources.train_files = {file};
  bool changed = false;
  try {
    tokenize_splits(sources, bytes_.encoder(), 4, true, true, cache(),
                    [&](const DataProgress& progress) {
                      if (progress.stage == "counting" && !std::exchange(changed, true))
                        tests::append_to(file, "more\n");
                    });
    FAIL() << "the change went unnoticed";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("was changed while it was read"), std::string::npos)
        << error.what();
  }
  EXPECT_TRUE(cache_files().empty());
}

TEST_F(TokenizeSplits, TwoProcessesMayBuildTheSameEntry) {
  TextSources sources;
  sources.train_files = {folder_.write("a.txt", numbered_lines(20'000))};
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      const TokenizedSplits splits = make(sources, 16);
      ::_exit(splits.train->blocks() > 0 && splits.messages.empty() ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  EXPECT_EQ(cache_files().size(), 2u);
  bytes_.take_encoded();
  make(sources, 16);
  EXPECT_EQ(bytes_.take_encoded(), 0u);
}

TEST_F(TokenizeSplits, NamesACacheItCannotWrite) {
  TextSources sources;
  sources.train_files = {folder_.write("a.txt", "abcdef")};
  sources.validation_split_percentage = 0;
  folder_.write("cache", "a file where the folder should be");
  const std::string message = error_of(sources, 2, true, false);
  EXPECT_NE(message.find("cache: error: cannot be written"), std::string::npos)
      << message;
}

}  // namespace
}  // namespace engine
