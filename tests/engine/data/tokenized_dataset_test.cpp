// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/tokenized_dataset.h"

#include "engine/error.h"
#include "tests/support/scratch_folder.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace engine {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

const fs::path golden = fs::path(PARADIGM_SOURCE_DIR) / "tests/golden/data";

/// The form make_data.py writes blocks in.
Json summary(const std::optional<TokenDataset>& data) {
  Json result{{"blocks", 0}, {"first", Json::array()}, {"last", Json::array()}};
  std::uint64_t hash = 0xCBF29CE484222325ull;
  std::vector<std::int64_t> ids(data ? static_cast<std::size_t>(data->block_size()) : 0);
  for (std::int64_t block = 0; data && block < data->blocks(); ++block) {
    data->copy_block(block, ids.data());
    for (const std::int64_t id : ids) {
      for (int shift = 0; shift < 32; shift += 8)
        hash = (hash ^ ((static_cast<std::uint64_t>(id) >> shift) & 0xFF)) * 0x100000001B3ull;
    }
    if (block == 0) result["first"] = ids;
    result["last"] = ids;
    result["blocks"] = block + 1;
  }
  result["fnv1a"] = fmt::format("{:016x}", hash);
  return result;
}

TEST(TokenizedDataset, GivesTheBlocksOfRunClm) {
  const tests::ScratchFolder folder;
  const Json cases = Json::parse(tests::content_of(golden / "expected.json"));
  ASSERT_GE(cases.size(), 9u);
  for (const Json& expected : cases) {
    SCOPED_TRACE(expected.at("file").dump() + " " + expected.at("block_size").dump());
    fs::copy_file(golden / expected.at("tokenizer").get<std::string>(), folder / "tokenizer.json",
                  fs::copy_options::overwrite_existing);
    const Tokenizer tokenizer = Tokenizer::load(folder.path());
    TextSources sources;
    sources.train_files = {golden / expected.at("file").get<std::string>()};
    sources.keep_linebreaks = expected.at("keep_linebreaks").get<bool>();
    sources.validation_split_percentage = expected.at("percent").get<int>();
    const bool validation = expected.at("validation").at("blocks") != 0;
    sources.tokenizing_threads = sources.keep_linebreaks ? 3 : 1;
    for (int round = 0; round < 2; ++round) {
      const TokenizedSplits splits =
          tokenize_splits(sources, tokenizer, expected.at("block_size").get<std::int64_t>(), true,
                          validation, folder / "cache");
      EXPECT_EQ(summary(splits.train), expected.at("train"));
      EXPECT_EQ(summary(splits.validation), expected.at("validation"));
    }
  }
}

class BlockSize : public ::testing::Test {
 protected:
  Tokenizer tokenizer(const std::string& config) {
    fs::copy_file(golden / "tokenizer.json", folder_ / "tokenizer.json",
                  fs::copy_options::overwrite_existing);
    folder_.write("tokenizer_config.json", config);
    return Tokenizer::load(folder_.path());
  }
  const tests::ScratchFolder folder_;
};

TEST_F(BlockSize, IsChosenAsRunClmDoes) {
  std::vector<std::string> said;
  const Tokenizer limited = tokenizer(R"({"model_max_length": 512})");
  EXPECT_EQ(resolved_block_size(256, limited, 2048, said), 256);
  EXPECT_TRUE(said.empty());
  EXPECT_EQ(resolved_block_size(4096, limited, 2048, said), 512);
  ASSERT_EQ(said.size(), 1U);
  EXPECT_THAT(said[0], ::testing::HasSubstr("block_size 4096 is more"));
  EXPECT_THAT(said[0], ::testing::HasSubstr("have 512 tokens"));
  EXPECT_EQ(resolved_block_size(std::nullopt, limited, 2048, said), 512);
  EXPECT_EQ(resolved_block_size(std::nullopt, limited, 512, said), 512);
  EXPECT_EQ(resolved_block_size(std::nullopt, limited, 256, said), 256);
  const Tokenizer unlimited = tokenizer("{}");
  EXPECT_EQ(resolved_block_size(std::nullopt, unlimited, 2048, said), 1024);
  EXPECT_EQ(resolved_block_size(std::nullopt, unlimited, 300, said), 300);
  EXPECT_EQ(resolved_block_size(100'000, unlimited, 300, said), 100'000);
  const Tokenizer huge = tokenizer(R"({"model_max_length": 1000000000000000019884624838656})");
  EXPECT_EQ(resolved_block_size(std::nullopt, huge, 2048, said), 1024);
  EXPECT_EQ(resolved_block_size(4096, huge, 2048, said), 4096);
  EXPECT_EQ(said.size(), 1U);
}

TEST_F(BlockSize, RefusesABlockWithNothingToPredict) {
  std::vector<std::string> said;
  const Tokenizer any = tokenizer("{}");
  EXPECT_THROW(resolved_block_size(1, any, 2048, said), Error);
  EXPECT_THROW(resolved_block_size(-5, any, 2048, said), Error);
}

TEST(DefaultTokenCache, IsInTheUsersCache) {
  ::setenv("HOME", "/home/someone", 1);
  ::unsetenv("XDG_CACHE_HOME");
  EXPECT_EQ(default_token_cache(), "/home/someone/.cache/paradigm-workbench/tokens");
  ::setenv("XDG_CACHE_HOME", "/caches", 1);
  EXPECT_EQ(default_token_cache(), "/caches/paradigm-workbench/tokens");
}

}  // namespace
}  // namespace engine
