// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/tokenizer.h"

#include "engine/error.h"
#include "engine/utf8.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

namespace engine {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;
using Ids = std::vector<std::int32_t>;

const fs::path kGolden = fs::path(PARADIGM_SOURCE_DIR) / "tests/golden/tokenizers";
constexpr const char* kByteLevel[] = {"cosmo2", "smollm", "gpt2", "llama3"};

std::string read_bytes(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

const std::vector<std::string>& corpus() {
  static const auto strings =
      json::parse(read_bytes(kGolden / "corpus.json")).get<std::vector<std::string>>();
  return strings;
}

// A folder of its own that goes away with it.
class Folder {
 public:
  Folder() {
    std::string name = (fs::path(testing::TempDir()) / "tokenizer-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path_); }
  void write(const char* name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// A byte-level model of bytes and two merges, small enough to read.
json small_tokenizer() {
  json vocab;
  for (const char* token : {"a", "b", "c", "Ġ", "ab", "Ġab"}) vocab[token] = vocab.size();
  const json model = {{"type", "BPE"}, {"vocab", vocab}, {"merges", {"a b", "Ġ ab"}}};
  return {{"version", "1.0"},
          {"model", model},
          {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}}},
          {"decoder", {{"type", "ByteLevel"}}},
          {"added_tokens", {{{"id", 6}, {"content", "<e>"}, {"special", true}}}}};
}

Tokenizer load(const json& document) {
  const Folder folder;
  folder.write("tokenizer.json", document.dump());
  return Tokenizer::load(folder.path());
}

std::string refusal(const json& document) {
  try {
    load(document);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Tokenizer, EncodesAndDecodesByHand) {
  const Tokenizer tokenizer = load(small_tokenizer());
  EXPECT_EQ(tokenizer.encode("ab ab<e>cab"), (Ids{4, 5, 6, 2, 4}));
  EXPECT_EQ(tokenizer.decode(Ids{4, 5, 6, 2, 4}), "ab ab<e>cab");
  EXPECT_EQ(tokenizer.decode(Ids{4, 5, 6, 2, 4}, true), "ab abcab");
  EXPECT_EQ(tokenizer.decode(Ids{-1, 99, 1}), "b");
  EXPECT_EQ(tokenizer.vocab_size(), 7);
  EXPECT_EQ(tokenizer.id_of("<e>"), 6);
  EXPECT_EQ(tokenizer.id_of("Ġab"), 5);
  EXPECT_EQ(tokenizer.id_of("nowhere"), std::nullopt);
  EXPECT_EQ(tokenizer.token_of(4), "ab");
  EXPECT_EQ(tokenizer.token_of(6), "<e>");
  EXPECT_EQ(tokenizer.token_of(7), std::nullopt);
  EXPECT_EQ(tokenizer.token_of(-1), std::nullopt);
}

TEST(Tokenizer, BosEosAndMaximumLengthComeFromTheConfiguration) {
  const Folder folder;
  folder.write("tokenizer.json", small_tokenizer().dump());
  EXPECT_EQ(Tokenizer::load(folder.path()).bos_token_id(), std::nullopt);
  EXPECT_EQ(Tokenizer::load(folder.path()).model_max_length(), std::nullopt);

  folder.write("tokenizer_config.json",
               R"({"bos_token": {"content": "<e>"}, "eos_token": "ab", "model_max_length": 2048})");
  const Tokenizer tokenizer = Tokenizer::load(folder.path() / "tokenizer.json");
  EXPECT_EQ(tokenizer.bos_token_id(), 6);
  EXPECT_EQ(tokenizer.eos_token_id(), 4);
  EXPECT_EQ(tokenizer.model_max_length(), 2048);
  EXPECT_EQ(tokenizer.file(), folder.path() / "tokenizer.json");

  folder.write("tokenizer_config.json",
               R"({"bos_token": null, "model_max_length": 1000000000000000019884624838656})");
  folder.write("special_tokens_map.json", R"({"eos_token": {"content": "<e>"}})");
  EXPECT_EQ(Tokenizer::load(folder.path()).model_max_length(), std::nullopt);
  EXPECT_EQ(Tokenizer::load(folder.path()).bos_token_id(), std::nullopt);
  EXPECT_EQ(Tokenizer::load(folder.path()).eos_token_id(), 6);

  for (const char* bad : {R"({"model_max_length": "long"})", R"({"model_max_length": -1})",
                          R"({"bos_token": 3})", "[", "[]"}) {
    folder.write("tokenizer_config.json", bad);
    EXPECT_THROW(Tokenizer::load(folder.path()), Error) << bad;
  }
}

TEST(Tokenizer, DigestIsSha256OfTheFile) {
  const Folder folder;
  folder.write("tokenizer.json", small_tokenizer().dump());
  const std::string first = Tokenizer::load(folder.path()).digest();
  EXPECT_EQ(first.size(), 64U);
  folder.write("tokenizer.json", small_tokenizer().dump() + "\n");
  EXPECT_NE(Tokenizer::load(folder.path()).digest(), first);
}

TEST(Tokenizer, TruncationAndPaddingAreIgnored) {
  json document = small_tokenizer();
  document["truncation"] = {{"max_length", 1}, {"strategy", "LongestFirst"}, {"stride", 0}};
  document["padding"] = {{"strategy", {{"Fixed", 9}}}, {"pad_id", 0}};
  EXPECT_EQ(load(document).encode("abab"), (Ids{4, 4}));
}

TEST(Tokenizer, MergesMayBeListsAndUnknownCharactersWithoutUnkAreDropped) {
  json document = small_tokenizer();
  document["model"]["merges"] = json::parse(R"([["a", "b"], ["Ġ", "ab"]])");
  EXPECT_EQ(load(document).encode("abz"), (Ids{4}));
}

TEST(Tokenizer, ByteLevelDecodeGivesBackAnyText) {
  for (const char* name : kByteLevel) {
    const Tokenizer tokenizer = Tokenizer::load(kGolden / name);
    for (const std::string& text : corpus()) {
      // White space that an added token takes with it is lost, so only texts without such tokens
      // come back.
      if (text.find("<mask>") != std::string::npos || text.find("[MASK]") != std::string::npos ||
          text.find("[wide]") != std::string::npos)
        continue;
      ASSERT_EQ(tokenizer.decode(tokenizer.encode(text, false)), text) << name;
    }
  }
}

TEST(Tokenizer, IllFormedBytesCountAsReplacementCharacters) {
  std::mt19937_64 random(6);
  const Tokenizer tokenizer = Tokenizer::load(kGolden / "cosmo2");
  for (int i = 0; i < 3000; ++i) {
    std::string bytes = corpus()[random() % corpus().size()];
    for (int change = 0; change < 3 && !bytes.empty(); ++change)
      bytes[random() % bytes.size()] = static_cast<char>(random() % 256);
    ASSERT_EQ(tokenizer.encode(bytes), tokenizer.encode(lossy_utf8(bytes)));
  }
}

TEST(Tokenizer, ThreadsAndEarlierTextsDoNotChangeTheResult) {
  for (const char* name : {"smollm", "tinyllama"}) {
    const Tokenizer one = Tokenizer::load(kGolden / name);
    const Tokenizer other = Tokenizer::load(kGolden / name);
    const auto expected = one.encode_batch(corpus(), 1);
    EXPECT_EQ(other.encode_batch(corpus(), 7), expected);
    EXPECT_EQ(other.encode_batch(corpus(), 0), expected);
    const std::vector<std::string> none;
    EXPECT_TRUE(other.encode_batch(none, 4).empty());
    for (std::size_t i = corpus().size(); i-- > corpus().size() - 500;)
      EXPECT_EQ(other.encode(corpus()[i]), expected[i]);
  }
}

TEST(Tokenizer, ABatchReportsTheFirstFailure) {
  json document = small_tokenizer();
  document["model"]["unk_token"] = "<missing>";
  const Tokenizer tokenizer = load(document);
  const std::vector<std::string> texts = {"ab", "ab y", "z"};
  try {
    tokenizer.encode_batch(texts, 3);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("\"y\""), std::string::npos) << error.what();
  }
}

// Quadratic work on a megabyte would take hours; linear work takes well under a second.
TEST(Tokenizer, AMegabyteWithoutABorderIsEncodedInBoundedTime) {
  const auto repeated = [](std::string_view unit) {
    std::string text;
    while (text.size() < (1U << 20)) text += unit;
    return text;
  };
  const auto start = std::chrono::steady_clock::now();
  for (const char* name : {"cosmo2", "llama3", "tinyllama", "metaspace_unk"}) {
    const Tokenizer tokenizer = Tokenizer::load(kGolden / name);
    for (const char* unit :
         {"a", "photonmatrix", " ", "\n ", "中", "<", "'", "Added", "\u0301", "9"})
      EXPECT_FALSE(tokenizer.encode(repeated(unit)).empty()) << name << " " << unit;
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::minutes(3));
}

TEST(Tokenizer, OtherPartsAreRefusedByPlaceAndName) {
  const std::pair<const char*, json> cases[] = {
      {"/model", {{"type", "Unigram"}, {"vocab", json::array()}}},
      {"/model", {{"type", "WordPiece"}, {"vocab", json::object()}}},
      {"/model/dropout", 0.1},
      {"/model/end_of_word_suffix", "</w>"},
      {"/normalizer", {{"type", "NFC"}}},
      {"/normalizer", {{"type", "Sequence"}, {"normalizers", {{{"type", "Lowercase"}}}}}},
      {"/pre_tokenizer", {{"type", "BertPreTokenizer"}}},
      {"/pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", {{{"type", "Punctuation"}}}}}},
      {"/pre_tokenizer",
       {{"type", "Split"}, {"pattern", {{"Regex", "a("}}}, {"behavior", "Isolated"}}},
      {"/pre_tokenizer",
       {{"type", "Split"}, {"pattern", {{"Regex", R"(\X)"}}}, {"behavior", "Isolated"}}},
      {"/pre_tokenizer",
       {{"type", "Split"}, {"pattern", {{"String", "a"}}}, {"behavior", "Sideways"}}},
      {"/pre_tokenizer", {{"type", "Metaspace"}, {"replacement", "__"}}},
      {"/pre_tokenizer", {{"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", "last"}}},
      {"/post_processor", {{"type", "BertProcessing"}}},
      {"/decoder", {{"type", "CTC"}}},
  };
  const char* named[] = {"Unigram",
                         "WordPiece",
                         "model.dropout",
                         "model.end_of_word_suffix",
                         "NFC",
                         "normalizer.normalizers[0].type",
                         "BertPreTokenizer",
                         "pre_tokenizer.pretokenizers[0].type",
                         "a(",
                         "\\\\X",
                         "Sideways",
                         "replacement",
                         "prepend_scheme",
                         "BertProcessing",
                         "CTC"};
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    json document = small_tokenizer();
    document[json::json_pointer(cases[i].first)] = cases[i].second;
    const std::string message = refusal(document);
    EXPECT_NE(message.find("tokenizer.json"), std::string::npos) << message;
    EXPECT_NE(message.find(named[i]), std::string::npos) << message;
  }
}

TEST(Tokenizer, WrongNumbersAreRefused) {
  const auto changed = [](const char* pointer, const json& value) {
    json document = small_tokenizer();
    document[json::json_pointer(pointer)] = value;
    return refusal(document);
  };
  for (const json& id : {json(-1), json(1.5), json("1"), json(nullptr), json(4'000'000'000'000ULL),
                         json(1e300), json(2'000'000'000)})
    EXPECT_NE(changed("/model/vocab/a", id).find("model.vocab[\"a\"]"), std::string::npos) << id;
  EXPECT_NE(changed("/model/vocab/a", 1).find("both"), std::string::npos);
  EXPECT_NE(changed("/added_tokens/0/id", 9).find("would give it 6"), std::string::npos);
  EXPECT_NE(changed("/model/merges/0", "a  b").find("merges[0]"), std::string::npos);
  EXPECT_NE(changed("/model/merges/1", "b c").find("merges[1]"), std::string::npos);
  const json single = {{{"SpecialToken", {{"id", "x"}, {"type_id", 0}}}}};
  const json special = {{"x", {{"id", "x"}, {"ids", {77}}, {"tokens", {"x"}}}}};
  EXPECT_NE(
      changed("/post_processor",
              {{"type", "TemplateProcessing"}, {"single", single}, {"special_tokens", special}})
          .find("special_tokens.x.ids[0]"),
      std::string::npos);
}

TEST(Tokenizer, AFolderWithoutTokenizerJsonSaysWhatItHas) {
  const Folder folder;
  EXPECT_THROW(Tokenizer::load(folder.path() / "nowhere"), Error);
  folder.write("tokenizer.model", "x");
  try {
    Tokenizer::load(folder.path());
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("only tokenizer.model"), std::string::npos)
        << error.what();
  }
}

TEST(Tokenizer, MalformedJsonNamesLineAndColumn) {
  const Folder folder;
  folder.write("tokenizer.json", "{\n \"model\": }");
  try {
    Tokenizer::load(folder.path());
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("tokenizer.json:2:"), std::string::npos)
        << error.what();
  }
  for (const std::string& bad :
       {std::string(), std::string("null"), std::string("[]"), std::string(200'000, '['),
        std::string("{\"model\":\"\xff\"}"), std::string("{\"model\":") + std::string(100, '['),
        std::string(3, '\0')}) {
    folder.write("tokenizer.json", bad);
    EXPECT_THROW(Tokenizer::load(folder.path()), Error) << bad.substr(0, 20);
  }
}

// Either an Error or a tokenizer that works; anything else fails the test.
void load_and_use(const Folder& folder, const std::string& bytes) {
  folder.write("tokenizer.json", bytes);
  try {
    const Tokenizer tokenizer = Tokenizer::load(folder.path());
    for (std::size_t i = 0; i < 200; i += 7) tokenizer.decode(tokenizer.encode(corpus()[i]));
  } catch (const Error& error) {
    EXPECT_FALSE(error.problems().empty());
  }
}

std::size_t rounds(std::size_t quick) {
  return std::getenv("PARADIGM_LONG_TESTS") != nullptr ? quick * 20 : quick;
}

TEST(TokenizerHostile, AnyPrefixOfAFileIsRefusedOrWorks) {
  const Folder folder;
  const std::string bytes = read_bytes(kGolden / "tinyllama" / "tokenizer.json");
  for (std::size_t i = 0; i < rounds(60); ++i)
    load_and_use(folder, bytes.substr(0, bytes.size() * i / rounds(60)));
}

TEST(TokenizerHostile, FlippedBytesAreRefusedOrWork) {
  const Folder folder;
  std::mt19937_64 random(8);
  for (std::size_t i = 0; i < rounds(60); ++i) {
    std::string bytes =
        read_bytes(kGolden / (i % 2 == 0 ? "llama3" : "metaspace") / "tokenizer.json");
    for (int change = 0; change < 3; ++change)
      bytes[random() % bytes.size()] = static_cast<char>(random() % 256);
    load_and_use(folder, bytes);
  }
}

// All places in a document but those inside the long vocabulary and merges.
void places(const json& value, const json::json_pointer& at,
            std::vector<json::json_pointer>& found) {
  found.push_back(at);
  if (value.size() > 100) return;
  if (value.is_object())
    for (const auto& [key, child] : value.items()) places(child, at / key, found);
  if (value.is_array())
    for (std::size_t i = 0; i < value.size(); ++i) places(value[i], at / i, found);
}

TEST(TokenizerHostile, AnyValueInAnyPlaceIsRefusedOrWorks) {
  const Folder folder;
  const json values[] = {nullptr,
                         true,
                         -1,
                         1e300,
                         18446744073709551615ULL,
                         "",
                         "▁",
                         "Sequence",
                         "ByteLevel",
                         json::array(),
                         json::object(),
                         json::array({1, "a", nullptr}),
                         {{"type", "Sequence"}},
                         {{"Regex", "(a*)*$"}}};
  std::mt19937_64 random(9);
  for (const char* name : {"llama3", "tinyllama", "metaspace"}) {
    json document = json::parse(read_bytes(kGolden / name / "tokenizer.json"));
    std::vector<json::json_pointer> found;
    places(document, json::json_pointer(), found);
    for (std::size_t i = 0; i < rounds(120); ++i) {
      json changed = document;
      changed[found[random() % found.size()]] = values[random() % std::size(values)];
      load_and_use(folder, changed.dump());
    }
  }
}

}  // namespace
}  // namespace engine
