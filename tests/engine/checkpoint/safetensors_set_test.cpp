// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/safetensors_file.h"
#include "engine/error.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <string>

namespace engine {
namespace {

const std::byte kBytes[8] = {};

TensorToWrite bytes_named(const std::string& name, std::size_t count = 4) {
  return {name, "U8", {static_cast<std::int64_t>(count)}, std::span(kBytes).first(count)};
}

/// A checkpoint of two shards: a and b in one.safetensors, c in two.safetensors, 12 bytes.
class ShardedCheckpoint {
 public:
  ShardedCheckpoint() {
    write_safetensors(folder / "one.safetensors", {bytes_named("a"), bytes_named("b")});
    write_safetensors(folder / "two.safetensors", {bytes_named("c")});
  }

  void index(const std::string& text) const { folder.write("model.safetensors.index.json", text); }

  /// The refusal's text, or "accepted".
  std::string opening() const {
    try {
      SafetensorsSet::open(folder.path());
      return "accepted";
    } catch (const Error& error) {
      return error.what();
    }
  }

  tests::ScratchFolder folder;
};

std::string index_with(const std::string& map, const std::string& total = "12") {
  return R"({"metadata":{"total_size":)" + total + R"(},"weight_map":{)" + map + "}}";
}

const std::string kMap = R"("a":"one.safetensors","b":"one.safetensors","c":"two.safetensors")";

testing::AssertionResult says(const std::string& message, const std::string& part) {
  if (message.find(part) != message.npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << message;
}

TEST(SafetensorsSet, SeesShardsAsOne) {
  const ShardedCheckpoint checkpoint;
  checkpoint.index(index_with(kMap));
  const SafetensorsSet set = SafetensorsSet::open(checkpoint.folder.path());
  EXPECT_EQ(set.names(), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(set.files().size(), 2u);
  EXPECT_EQ(set.file_of("c").filename(), "two.safetensors");
  EXPECT_EQ(set.bytes("b").size(), 4u);
  ASSERT_NE(set.find("c"), nullptr);
  EXPECT_EQ(set.find("c")->dtype, "U8");
  EXPECT_EQ(set.find("d"), nullptr);
}

TEST(SafetensorsSet, ASingleFileWinsOverAnIndex) {
  const ShardedCheckpoint checkpoint;
  checkpoint.index("not JSON");
  write_safetensors(checkpoint.folder / "model.safetensors", {bytes_named("single")});
  EXPECT_EQ(SafetensorsSet::open(checkpoint.folder.path()).names(),
            std::vector<std::string>{"single"});
}

TEST(SafetensorsSet, ReadsAnotherStem) {
  const tests::ScratchFolder folder;
  write_safetensors(folder / "simulation_state.safetensors", {bytes_named("x_min_max")});
  EXPECT_EQ(SafetensorsSet::open(folder.path(), "simulation_state").names().size(), 1u);
}

TEST(SafetensorsSet, AnIndexWithoutTotalIsAccepted) {
  const ShardedCheckpoint checkpoint;
  checkpoint.index(R"({"weight_map":{)" + kMap + "}}");
  EXPECT_EQ(checkpoint.opening(), "accepted");
}

TEST(SafetensorsSet, FileNamesThatLeaveTheFolderAreRefused) {
  const ShardedCheckpoint checkpoint;
  for (const char* name : {"../one.safetensors", "/etc/passwd", "sub/one.safetensors", "..", ".",
                           "", "..\\\\one", "one.safetensors\\u0000"}) {
    checkpoint.index(index_with(R"("a":")" + std::string(name) + "\""));
    EXPECT_TRUE(says(checkpoint.opening(), "not a plain file name")) << name;
  }
}

TEST(SafetensorsSet, AMissingShardIsNamed) {
  const ShardedCheckpoint checkpoint;
  checkpoint.index(index_with(kMap + R"(,"d":"three.safetensors")"));
  EXPECT_TRUE(says(checkpoint.opening(), "three.safetensors"));
  EXPECT_TRUE(says(checkpoint.opening(), "missing-shard"));
}

TEST(SafetensorsSet, ADamagedShardIsNamed) {
  const ShardedCheckpoint checkpoint;
  checkpoint.index(index_with(kMap));
  checkpoint.folder.write("two.safetensors",
                          tests::content_of(checkpoint.folder / "two.safetensors").substr(0, 60));
  EXPECT_TRUE(says(checkpoint.opening(), "two.safetensors"));
}

TEST(SafetensorsSet, ATensorInTwoFilesIsRefused) {
  const ShardedCheckpoint checkpoint;
  write_safetensors(checkpoint.folder / "two.safetensors", {bytes_named("c"), bytes_named("a")});
  checkpoint.index(index_with(kMap, "16"));
  EXPECT_TRUE(says(checkpoint.opening(), "\"a\" is in two files"));
}

TEST(SafetensorsSet, TheIndexAndTheShardsMustNameTheSameTensors) {
  const ShardedCheckpoint checkpoint;
  checkpoint.index(index_with(kMap + R"(,"d":"two.safetensors")"));
  EXPECT_TRUE(says(checkpoint.opening(), "\"d\" should be in two.safetensors"));
  checkpoint.index(index_with(R"("a":"one.safetensors","c":"two.safetensors")"));
  EXPECT_TRUE(
      says(checkpoint.opening(), "\"b\" is in one.safetensors, but the index does not name it"));
  checkpoint.index(
      index_with(R"("a":"one.safetensors","b":"two.safetensors","c":"two.safetensors")"));
  EXPECT_TRUE(says(checkpoint.opening(),
                   "\"b\" is in one.safetensors, but the index puts it into two.safetensors"));
}

TEST(SafetensorsSet, TheTotalIsChecked) {
  const ShardedCheckpoint checkpoint;
  checkpoint.index(index_with(kMap, "13"));
  EXPECT_TRUE(says(checkpoint.opening(), "total_size is 13, but the tensors have 12 bytes"));
  checkpoint.index(index_with(kMap, "\"12\""));
  EXPECT_TRUE(says(checkpoint.opening(), "total_size"));
  checkpoint.index(index_with(kMap, "12.0"));
  EXPECT_EQ(checkpoint.opening(), "accepted");
}

TEST(SafetensorsSet, HostileIndexesAreRefused) {
  const ShardedCheckpoint checkpoint;
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[]"), std::string("{}"),
        std::string(R"({"weight_map":[]})"), std::string(R"({"weight_map":{}})"),
        index_with(R"("a":1)"), index_with(kMap + "," + kMap), std::string(1'000'000, '['),
        index_with(kMap) + "x", std::string("{\"weight_map\":\0}", 16)}) {
    checkpoint.index(text);
    EXPECT_NE(checkpoint.opening(), "accepted") << text.substr(0, 80);
    EXPECT_TRUE(says(checkpoint.opening(), "model.safetensors.index.json"));
  }
}

TEST(SafetensorsSet, PickledWeightsAreRefusedWithTheCommandThatConvertsThem) {
  const tests::ScratchFolder folder;
  folder.write("pytorch_model.bin", "PK");
  try {
    SafetensorsSet::open(folder.path());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.problems()[0].id, "pickled-weights");
    EXPECT_TRUE(says(error.problems()[0].remedy, "python -c"));
    EXPECT_TRUE(says(error.problems()[0].remedy, folder.path().string()));
  }
}

TEST(SafetensorsSet, AFolderWithoutWeightsIsRefused) {
  const tests::ScratchFolder folder;
  EXPECT_THROW(SafetensorsSet::open(folder.path()), Error);
  EXPECT_THROW(SafetensorsSet::open(folder / "absent"), Error);
}

}  // namespace
}  // namespace engine
