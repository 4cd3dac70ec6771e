// SPDX-License-Identifier: GPL-3.0-or-later
// Ids and decoded text against Hugging Face `tokenizers`; see
// tests/golden/tokenizers/make_tokenizers.py.
#include "engine/data/tokenizer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace engine {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

const fs::path kGolden = fs::path(PARADIGM_SOURCE_DIR) / "tests/golden/tokenizers";

std::string read_bytes(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

const std::vector<std::string>& corpus() {
  static const auto strings =
      json::parse(read_bytes(kGolden / "corpus.json")).get<std::vector<std::string>>();
  return strings;
}

constexpr std::uint64_t kFnvStart = 0xCBF29CE484222325ULL;

std::uint64_t fnv1a(std::string_view bytes, std::uint64_t hash = kFnvStart) {
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001B3ULL;
  return hash;
}

std::string_view bytes_of(const std::vector<std::int32_t>& ids) {
  return {reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof(std::int32_t)};
}

struct Expected {
  std::uint64_t ids;
  std::uint32_t text;
};

std::vector<Expected> read_expected(const fs::path& file) {
  const std::string bytes = read_bytes(file);
  std::vector<Expected> result(bytes.size() / 12);
  for (std::size_t i = 0; i < result.size(); ++i) {
    std::memcpy(&result[i].ids, bytes.data() + i * 12, 8);
    std::memcpy(&result[i].text, bytes.data() + i * 12 + 8, 4);
  }
  return result;
}

class TokenizerGolden : public testing::TestWithParam<const char*> {};

TEST_P(TokenizerGolden, EveryStringHasTheIdsAndTheTextOfTheLibrary) {
  const Tokenizer tokenizer = Tokenizer::load(kGolden / GetParam());
  const std::vector<Expected> expected = read_expected(kGolden / GetParam() / "expected.bin");
  ASSERT_GE(expected.size(), 10000U);
  ASSERT_EQ(expected.size(), corpus().size());
  const auto all_ids = tokenizer.encode_batch(corpus());
  int wrong = 0;
  for (std::size_t i = 0; i < expected.size() && wrong < 5; ++i) {
    const std::uint64_t text = fnv1a(tokenizer.decode(all_ids[i]));
    const bool right = fnv1a(bytes_of(all_ids[i])) == expected[i].ids &&
                       static_cast<std::uint32_t>(text ^ text >> 32) == expected[i].text;
    EXPECT_TRUE(right) << "string " << i << " " << json(corpus()[i]).dump(-1, ' ', true) << " ids "
                       << json(all_ids[i]).dump();
    wrong += right ? 0 : 1;
  }
}

TEST_P(TokenizerGolden, SamplesAgreeInFull) {
  const Tokenizer tokenizer = Tokenizer::load(kGolden / GetParam());
  const json golden = json::parse(read_bytes(kGolden / GetParam() / "samples.json"));
  EXPECT_EQ(tokenizer.vocab_size(), golden["size"].get<std::int64_t>());
  ASSERT_GE(golden["samples"].size(), 100U);
  for (const json& sample : golden["samples"]) {
    const std::string& text = corpus()[sample["string"].get<std::size_t>()];
    const auto ids = sample["ids"].get<std::vector<std::int32_t>>();
    EXPECT_EQ(tokenizer.encode(text), ids) << json(text).dump();
    EXPECT_EQ(tokenizer.encode(text, false), sample["plain"].get<std::vector<std::int32_t>>())
        << json(text).dump();
    EXPECT_EQ(tokenizer.decode(ids), sample["decoded"].get<std::string>());
    EXPECT_EQ(tokenizer.decode(ids, true), sample["skipped"].get<std::string>());
  }
}

INSTANTIATE_TEST_SUITE_P(All, TokenizerGolden,
                         testing::Values("cosmo2", "smollm", "gpt2", "llama3", "llama2",
                                         "tinyllama", "metaspace", "metaspace_unk", "prefix_space"),
                         [](const auto& test) { return std::string(test.param); });

// Each variant puts another normalizer and pre-tokenizer into one tokenizer: all behaviours of
// Split, and more.
TEST(TokenizerVariants, EveryPipelineAgrees) {
  const json golden = json::parse(read_bytes(kGolden / "variants.json"));
  json document =
      json::parse(read_bytes(kGolden / golden["base"].get<std::string>() / "tokenizer.json"));
  const fs::path file = fs::path(testing::TempDir()) / "tokenizer_variant.json";
  ASSERT_GE(golden["variants"].size(), 100U);
  for (const json& variant : golden["variants"]) {
    document["normalizer"] = variant["normalizer"];
    document["pre_tokenizer"] = variant["pre_tokenizer"];
    std::ofstream(file) << document;
    const Tokenizer tokenizer = Tokenizer::load(file);
    for (std::size_t block = 0; block < variant["hashes"].size(); ++block) {
      std::uint64_t hash = kFnvStart;
      for (std::size_t i = block * 100; i < block * 100 + 100; ++i) {
        std::vector<std::int32_t> ids = tokenizer.encode(corpus()[i]);
        ids.push_back(-1);
        hash = fnv1a(bytes_of(ids), hash);
      }
      EXPECT_EQ(fmt::format("{:016x}", hash), variant["hashes"][block].get<std::string>())
          << variant["name"] << ", strings from " << block * 100;
    }
  }
  fs::remove(file);
}

TEST(TokenizerVariants, EveryDecoderAgrees) {
  const json golden = json::parse(read_bytes(kGolden / "decoders.json"));
  json document =
      json::parse(read_bytes(kGolden / golden["base"].get<std::string>() / "tokenizer.json"));
  const fs::path file = fs::path(testing::TempDir()) / "tokenizer_decoder.json";
  ASSERT_GE(golden["decoders"].size(), 10U);
  for (const json& variant : golden["decoders"]) {
    document["decoder"] = variant["decoder"];
    std::ofstream(file) << document;
    const Tokenizer tokenizer = Tokenizer::load(file);
    std::uint64_t hash = kFnvStart;
    for (std::size_t i = 0; i < golden["strings"].get<std::size_t>(); ++i)
      hash = fnv1a(tokenizer.decode(tokenizer.encode(corpus()[i])) + "\xff", hash);
    EXPECT_EQ(fmt::format("{:016x}", hash), variant["hash"].get<std::string>())
        << variant["decoder"];
  }
  fs::remove(file);
}

}  // namespace
}  // namespace engine
