// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/safetensors_file.h"

#include "engine/checkpoint/safetensors_header.h"
#include "engine/error.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace engine {
namespace {

std::string prefix(std::uint64_t length) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(length >> (8 * i) & 0xFF);
  return bytes;
}

std::string file_with(const std::string& header, std::size_t data_bytes) {
  std::string data;
  for (std::size_t i = 0; i < data_bytes; ++i) data += static_cast<char>(i);
  return prefix(header.size()) + header + data;
}

/// Two tensors and metadata: F32 [2, 2] in bytes 0 to 16, I8 [3] in 16 to 19.
const std::string kGoodHeader =
    R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},)"
    R"("a":{"dtype":"I8","shape":[3],"data_offsets":[16,19]}}   )";

/// The refusal's text, or "accepted".
std::string refusal_of(const tests::ScratchFolder& folder, const std::string& content) {
  const auto file = folder.write("model.safetensors", content);
  try {
    const SafetensorsFile opened(file);
    return "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.problems().size(), 1u);
    EXPECT_EQ(error.problems()[0].place.file, file.string());
    EXPECT_FALSE(error.problems()[0].id.empty());
    EXPECT_LT(std::strlen(error.what()), 1000u);
    return error.what();
  }
}

testing::AssertionResult refused(const std::string& header, std::size_t data_bytes,
                                 const std::string& because) {
  const tests::ScratchFolder folder;
  const std::string message = refusal_of(folder, file_with(header, data_bytes));
  if (message == "accepted") return testing::AssertionFailure() << "accepted: " << header;
  if (message.find(because) == message.npos) return testing::AssertionFailure() << message;
  return testing::AssertionSuccess();
}

std::string tensor(const std::string& name, const std::string& dtype, const std::string& shape,
                   const std::string& offsets) {
  return "\"" + name + R"(":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" +
         offsets + "}";
}

std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return "{" + tensor("w", dtype, shape, offsets) + "}";
}

TEST(SafetensorsFile, ReadsTensorsSortedByNameWithTheirBytes) {
  const tests::ScratchFolder folder;
  const SafetensorsFile file(folder.write("x.safetensors", file_with(kGoodHeader, 19)));
  ASSERT_EQ(file.tensors().size(), 2u);
  EXPECT_EQ(file.tensors()[0].name, "a");
  EXPECT_EQ(file.tensors()[1].name, "b");
  EXPECT_EQ(file.tensors()[1].elements(), 4);
  EXPECT_EQ(file.metadata().at("format"), "pt");
  EXPECT_TRUE(file.warnings().empty());
  const TensorEntry* a = file.find("a");
  ASSERT_NE(a, nullptr);
  ASSERT_EQ(file.bytes(*a).size(), 3u);
  EXPECT_EQ(file.bytes(*a)[0], std::byte{16});
  EXPECT_EQ(file.bytes(*a)[2], std::byte{18});
  EXPECT_EQ(file.find("c"), nullptr);
}

TEST(SafetensorsFile, KeepsItsMappingWhenMoved) {
  const tests::ScratchFolder folder;
  SafetensorsFile file(folder.write("x.safetensors", file_with(kGoodHeader, 19)));
  const SafetensorsFile moved = std::move(file);
  EXPECT_EQ(moved.bytes(*moved.find("b"))[15], std::byte{15});
}

TEST(SafetensorsFile, AcceptsScalarsEmptyTensorsAndAFileWithoutAny) {
  const tests::ScratchFolder folder;
  EXPECT_EQ(refusal_of(folder, file_with("{}", 0)), "accepted");
  EXPECT_EQ(refusal_of(folder, file_with(one("F64", "[]", "[0,8]"), 8)), "accepted");
  EXPECT_EQ(refusal_of(folder, file_with(one("F64", "[3,0,5]", "[0,0]"), 0)), "accepted");
  EXPECT_EQ(refusal_of(folder, file_with(one("F64", "[0,4294967296,4294967296]", "[0,0]"), 0)),
            "accepted");
}

TEST(SafetensorsFile, AcceptsEveryKnownDtype) {
  const tests::ScratchFolder folder;
  for (const auto& [dtype, width] :
       std::vector<std::pair<std::string, std::size_t>>{{"F64", 8},
                                                        {"F32", 4},
                                                        {"F16", 2},
                                                        {"BF16", 2},
                                                        {"I64", 8},
                                                        {"I32", 4},
                                                        {"I16", 2},
                                                        {"I8", 1},
                                                        {"U8", 1},
                                                        {"U16", 2},
                                                        {"U32", 4},
                                                        {"U64", 8},
                                                        {"BOOL", 1},
                                                        {"F8_E4M3", 1},
                                                        {"F8_E5M2", 1}}) {
    EXPECT_EQ(bytes_per_element(dtype), width);
    const std::string offsets = "[0," + std::to_string(3 * width) + "]";
    EXPECT_EQ(refusal_of(folder, file_with(one(dtype, "[3]", offsets), 3 * width)), "accepted")
        << dtype;
  }
}

TEST(SafetensorsFile, EveryTruncationIsRefused) {
  const tests::ScratchFolder folder;
  const std::string whole = file_with(kGoodHeader, 19);
  ASSERT_EQ(refusal_of(folder, whole), "accepted");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(refusal_of(folder, whole.substr(0, size)), "accepted")
        << "cut to " << size << " bytes";
  }
}

TEST(SafetensorsFile, AFlippedHeaderBitIsRefusedOrHarmless) {
  ASSERT_EQ(parse_safetensors_header(kGoodHeader, 19, "f").tensors.size(), 2u);
  std::size_t accepted = 0;
  for (std::size_t bit = 0; bit < 8 * kGoodHeader.size(); ++bit) {
    std::string damaged = kGoodHeader;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    try {
      std::uint64_t covered = 0;
      for (const TensorEntry& entry : parse_safetensors_header(damaged, 19, "f").tensors)
        covered += entry.end - entry.begin;
      EXPECT_EQ(covered, 19u) << damaged;
      ++accepted;
    } catch (const Error&) {
    }
  }
  // What may change unnoticed: names, metadata and a dtype of the same width.
  EXPECT_LT(accepted, 8 * kGoodHeader.size() / 4);
}

TEST(SafetensorsFile, BytesBehindTheLastTensorAreRefused) {
  EXPECT_TRUE(refused(kGoodHeader, 20, "1 bytes of data follow the last tensor"));
  EXPECT_TRUE(refused("{}", 1, "follow the last tensor"));
}

TEST(SafetensorsFile, ImpossibleHeaderLengthsAreRefused) {
  const tests::ScratchFolder folder;
  for (const std::uint64_t length : {0ull, 1ull, 100'000'001ull, 1ull << 63, ~0ull}) {
    EXPECT_NE(refusal_of(folder, prefix(length) + kGoodHeader).find("header's length"),
              std::string::npos)
        << length;
  }
  EXPECT_NE(refusal_of(folder, prefix(50'000'000) + kGoodHeader).find("only"), std::string::npos);
}

TEST(SafetensorsFile, OverlapsAndHolesAreRefused) {
  const auto two = [](const char* first, const char* second) {
    return "{" + tensor("a", "U8", "[4]", first) + "," + tensor("b", "U8", "[4]", second) + "}";
  };
  EXPECT_TRUE(refused(two("[0,4]", "[2,6]"), 6, "inside the tensor before it"));
  EXPECT_TRUE(refused(two("[0,4]", "[0,4]"), 4, "inside the tensor before it"));
  EXPECT_TRUE(refused(two("[0,4]", "[5,9]"), 9, "hole"));
  EXPECT_TRUE(refused(two("[1,5]", "[5,9]"), 9, "hole"));
}

TEST(SafetensorsFile, OffsetsThatDoNotFitAreRefused) {
  EXPECT_TRUE(refused(one("U8", "[4]", "[4,0]"), 4, "data_offsets"));
  EXPECT_TRUE(refused(one("U8", "[4]", "[0,5]"), 4, "data_offsets"));
  EXPECT_TRUE(refused(one("U8", "[4]", "[0]"), 4, "instead of 2"));
  EXPECT_TRUE(refused(one("U8", "[4]", "[0,4,4]"), 4, "instead of 2"));
  EXPECT_TRUE(refused(one("U8", "[4]", "[9223372036854775808,9223372036854775812]"), 4,
                      "do not lie within"));
  EXPECT_TRUE(refused(one("U8", "[4]", "[0,18446744073709551615]"), 4, "do not lie within"));
  EXPECT_TRUE(
      refused(one("U8", "[4]", "[0,18446744073709551616]"), 4, "not a non-negative integer"));
  EXPECT_TRUE(refused(one("U8", "[4]", "[-4,0]"), 4, "-4"));
  EXPECT_TRUE(refused(one("U8", "[4]", "[0,4.0]"), 4, "4.0"));
  EXPECT_TRUE(refused(one("F32", "[4]", "[0,4]"), 4, "needs 16 bytes"));
}

TEST(SafetensorsFile, ShapesAreNonNegativeIntegersOnly) {
  for (const char* shape : {"[-1]", "[-0]", "[1.0]", "[1e0]", "[1E2]", "[true]", "[null]",
                            "[\"1\"]", "[[1]]", "[{}]"}) {
    EXPECT_TRUE(refused(one("U8", shape, "[0,1]"), 1, "shape holds")) << shape;
  }
  for (const char* shape : {"1", "null", "\"1\"", "{}"}) {
    EXPECT_TRUE(refused(one("U8", shape, "[0,1]"), 1, "shape is")) << shape;
  }
}

TEST(SafetensorsFile, SizesThatOverflowAreRefused) {
  for (const char* shape :
       {"[4294967296,4294967296]", "[18446744073709551615]", "[9223372036854775808]",
        "[9223372036854775807]", "[4611686018427387904,2,0]", "[3,6148914691236517206]"}) {
    EXPECT_TRUE(refused(one("F32", shape, "[0,0]"), 0, "more bytes than can be counted")) << shape;
  }
  std::string many = "[1";
  for (int i = 0; i < 100; ++i) many += ",1";
  EXPECT_TRUE(refused(one("U8", many + "]", "[0,1]"), 1, "more than 64"));
}

TEST(SafetensorsFile, UnknownAndSubByteDtypesAreRefusedByName) {
  EXPECT_TRUE(refused(one("F33", "[1]", "[0,1]"), 1, "\"F33\", which is unknown"));
  EXPECT_TRUE(refused(one("f32", "[1]", "[0,4]"), 4, "unknown"));
  for (const char* dtype : {"F4", "F6_E2M3", "F6_E3M2", "I4", "U4"}) {
    EXPECT_TRUE(refused(one(dtype, "[2]", "[0,1]"), 1, "smaller than a byte")) << dtype;
  }
  EXPECT_TRUE(refused(R"({"w":{"dtype":4,"shape":[1],"data_offsets":[0,1]}})", 1, "dtype is 4"));
}

TEST(SafetensorsFile, DuplicateKeysAreRefusedAtEveryLevel) {
  const std::string w = tensor("w", "U8", "[0]", "[0,0]");
  EXPECT_TRUE(refused("{" + w + "," + w + "}", 0, "\"w\" comes twice"));
  EXPECT_TRUE(refused(R"({"__metadata__":{"a":"1","a":"2"}})", 0, "\"a\" comes twice"));
  EXPECT_TRUE(refused(R"({"__metadata__":{},"__metadata__":{}})", 0, "comes twice"));
  EXPECT_TRUE(refused(R"({"w":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}})", 0,
                      "\"dtype\" comes twice"));
  EXPECT_TRUE(refused(R"({"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":{"y":1,"y":2}}})",
                      0, "\"y\" comes twice"));
  EXPECT_TRUE(refused(R"({"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\u0077":{}})", 0,
                      "comes twice"));
}

TEST(SafetensorsFile, MissingFieldsAreNamed) {
  EXPECT_TRUE(
      refused(R"({"w":{"shape":[0],"data_offsets":[0,0]}})", 0, "tensor \"w\" has no dtype"));
  EXPECT_TRUE(refused(R"({"w":{"dtype":"U8","data_offsets":[0,0]}})", 0, "has no shape"));
  EXPECT_TRUE(refused(R"({"w":{"dtype":"U8","shape":[0]}})", 0, "has no data_offsets"));
  EXPECT_TRUE(refused(R"({"w":{}})", 0, "has no"));
}

TEST(SafetensorsFile, EntriesOfAnotherTypeAreRefused) {
  EXPECT_TRUE(refused(R"({"w":1})", 0, "not an object"));
  EXPECT_TRUE(refused(R"({"w":[]})", 0, "not an object"));
  EXPECT_TRUE(refused(R"({"w":null})", 0, "not an object"));
  EXPECT_TRUE(refused(R"({"__metadata__":1})", 0, "not an object"));
  EXPECT_TRUE(refused(R"({"__metadata__":{"a":1}})", 0, "not to a string"));
  EXPECT_TRUE(refused(R"({"__metadata__":{"a":NaN}})", 0, "not JSON"));
  EXPECT_TRUE(refused(R"({"__metadata__":{"a":{}}})", 0, "not to a string"));
  EXPECT_TRUE(
      refused(R"({"":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})", 0, "unusable name"));
  EXPECT_TRUE(refused(R"({"a\u0000b":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})", 0,
                      "unusable name"));
}

TEST(SafetensorsFile, HeadersThatAreNotOneJsonObjectAreRefused) {
  EXPECT_TRUE(refused("[]", 0, "begin"));
  EXPECT_TRUE(refused(" {}", 0, "begin"));
  EXPECT_TRUE(refused("\xEF\xBB\xBF{}", 0, "begin"));
  EXPECT_TRUE(refused("{}\n", 0, "other than spaces"));
  EXPECT_TRUE(refused("{}x", 0, "other than spaces"));
  EXPECT_TRUE(refused("{}{}", 0, "not JSON"));
  EXPECT_TRUE(refused("{} {}", 0, "not JSON"));
  EXPECT_TRUE(refused("{,}", 0, "not JSON"));
  EXPECT_TRUE(refused("{/**/}", 0, "not JSON"));
  EXPECT_TRUE(refused("{'a':1}", 0, "not JSON"));
  EXPECT_TRUE(refused("{\"a\":}", 0, "not JSON"));
  EXPECT_TRUE(refused(std::string("{}\0}", 4), 0, "NUL"));
  EXPECT_TRUE(refused(std::string("{\"a\0\":1}", 8), 0, "NUL"));
}

TEST(SafetensorsFile, InvalidUtf8IsRefusedWithAPrintableMessage) {
  const tests::ScratchFolder folder;
  for (const std::string bad :
       {"\xFF", "\xC0\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xE2\x82"}) {
    const std::string message =
        refusal_of(folder, file_with("{" + tensor("w" + bad, "U8", "[0]", "[0,0]") + "}", 0));
    EXPECT_NE(message.find("not JSON"), std::string::npos) << message;
    EXPECT_EQ(message.find(bad), std::string::npos);
  }
}

TEST(SafetensorsFile, DeepNestingIsRefusedQuickly) {
  std::string deep(2'000'000, '[');
  EXPECT_TRUE(refused(R"({"w":{"x":)" + deep + "}}", 0, "nested more than"));
  std::string objects;
  for (int i = 0; i < 200'000; ++i) objects += R"({"a":)";
  EXPECT_TRUE(refused(R"({"w":{"x":)" + objects + "}}", 0, "nested more than"));
}

TEST(SafetensorsFile, ALongNameIsCutInTheMessage) {
  EXPECT_TRUE(
      refused("{" + tensor(std::string(1'000'000, 'n'), "F33", "[0]", "[0,0]") + "}", 0, "nnnn…"));
}

TEST(SafetensorsFile, UnknownKeysOfATensorWarn) {
  const tests::ScratchFolder folder;
  const std::string header =
      R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"note":{"deep":[1,{"x":null}]},"scale":0.5}})";
  const SafetensorsFile file(folder.write("x.safetensors", file_with(header, 1)));
  ASSERT_EQ(file.warnings().size(), 2u);
  EXPECT_EQ(file.warnings()[0].severity, Severity::warning);
  EXPECT_NE(file.warnings()[0].message.find("\"note\""), std::string::npos);
}

TEST(SafetensorsFile, WhatIsNoRegularFileIsRefusedWithoutWaiting) {
  const tests::ScratchFolder folder;
  EXPECT_THROW(SafetensorsFile{folder.path()}, Error);
  EXPECT_THROW(SafetensorsFile{folder / "absent.safetensors"}, Error);
  ASSERT_EQ(::mkfifo((folder / "pipe.safetensors").c_str(), 0600), 0);
  EXPECT_THROW(SafetensorsFile{folder / "pipe.safetensors"}, Error);
}

}  // namespace
}  // namespace engine
