// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/checkpoint.h"

#include "engine/checkpoint/checkpoint_weights.h"
#include "engine/checkpoint/saved_checkpoints.h"
#include "engine/checkpoint/transform_record.h"
#include "engine/error.h"
#include "engine/training/optimizer.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_llama.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/randn.h>

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>

namespace engine {
namespace {

namespace fs = std::filesystem;

class CheckpointFolder : public ::testing::Test {
 protected:
  void SetUp() override { open({}); }

  void open(const tests::TinyLlama& shape) {
    tests::write_tiny_llama(folder_ / "model", shape);
    config_ = read_llama_config(folder_ / "model/config.json");
    std::vector<std::string> notes;
    model_ =
        std::make_unique<Llama>(config_, load_weights(folder_ / "model", config_, at::kCPU, notes));
    optimizer_ = std::make_unique<AdamW>(model_->parameters(), AdamWOptions{});
    fs::create_directories(run());
  }

  fs::path run() const { return folder_ / "run"; }

  fs::path save(std::int64_t step, const std::string& digest = "") {
    Manifest manifest;
    manifest.engine_version = "0";
    manifest.trainer.step = step;
    manifest.trainer.logged_loss_sum = 1.0 / 3;
    return save_checkpoint(
               run(), *model_, *optimizer_,
               checkpoint_files(config_, folder_ / "model", folder_ / "model", "text: 1\n", digest),
               manifest)
        .path;
  }

  /// Changes one byte in the middle of a file.
  static void damage(const fs::path& file) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(static_cast<std::streamoff>(fs::file_size(file) / 2));
    const char byte = static_cast<char>(stream.get());
    stream.seekp(static_cast<std::streamoff>(fs::file_size(file) / 2));
    stream.put(static_cast<char>(byte ^ 0x40));
  }

  tests::ScratchFolder folder_;
  LlamaConfig config_;
  std::unique_ptr<Llama> model_;
  std::unique_ptr<AdamW> optimizer_;
};

TEST_F(CheckpointFolder, LoadsWhatWasSaved) {
  {
    const at::NoGradGuard no_grad;
    for (const auto& [name, tensor] : optimizer_->state())
      at::Tensor(tensor).add_(at::randn(tensor.sizes()));
  }
  const fs::path saved = save(7);
  EXPECT_EQ(saved.filename(), "checkpoint-7");
  std::vector<std::string> notes;
  const LlamaConfig config = read_llama_config(saved / "config.json");
  const TensorMap weights = load_weights(saved, config, at::kCPU, notes);
  EXPECT_TRUE(notes.empty());
  for (const Parameter& parameter : model_->parameters()) {
    EXPECT_TRUE(weights.at(parameter.name).equal(parameter.tensor.detach())) << parameter.name;
  }
  AdamW other(model_->parameters(), AdamWOptions{});
  load_optimizer(saved, other);
  const auto expected = optimizer_->state();
  const auto loaded = other.state();
  ASSERT_EQ(loaded.size(), expected.size());
  for (std::size_t i = 0; i < loaded.size(); ++i) {
    EXPECT_TRUE(loaded[i].second.equal(expected[i].second)) << loaded[i].first;
  }
  const Manifest manifest =
      parse_manifest(tests::content_of(saved / "manifest.json"), "manifest.json");
  EXPECT_EQ(manifest.trainer.step, 7);
  EXPECT_EQ(manifest.trainer.logged_loss_sum, 1.0 / 3);
}

TEST_F(CheckpointFolder, KeepsTheSourcesKeysAndRecordsTheTransform) {
  const fs::path plain = save(1);
  const auto json = nlohmann::json::parse(tests::content_of(plain / "config.json"));
  EXPECT_TRUE(json.at("a_key_we_do_not_know").at("kept").get<bool>());
  EXPECT_EQ(json.at("torch_dtype"), "float32");
  EXPECT_FALSE(json.contains("paradigm_workbench"));
  EXPECT_FALSE(fs::exists(plain / "transform.yaml"));

  const fs::path transformed = save(2, "abc");
  const auto record = transform_record_of(tests::content_of(transformed / "config.json"));
  ASSERT_TRUE(record);
  EXPECT_EQ(record->file, "transform.yaml");
  EXPECT_EQ(record->digest, "abc");
  EXPECT_EQ(tests::content_of(transformed / "transform.yaml"), "text: 1\n");
  for (const char* name : {"tokenizer.json", "tokenizer_config.json", "generation_config.json"}) {
    EXPECT_TRUE(fs::exists(transformed / name)) << name;
  }
}

TEST_F(CheckpointFolder, TiedHeadIsSavedOnce) {
  open({.tied = true});
  const SafetensorsSet set = SafetensorsSet::open(save(1));
  EXPECT_EQ(set.find("lm_head.weight"), nullptr);
  EXPECT_NE(set.find("model.embed_tokens.weight"), nullptr);
}

TEST_F(CheckpointFolder, NewestWholeOneIsFoundAndTheDamagedOneNamed) {
  save(2);
  save(10);
  save(9);
  EXPECT_EQ(newest_checkpoint(run(), FileCheck::hashes).checkpoint->step, 10);
  damage(run() / "checkpoint-10/model.safetensors");
  EXPECT_EQ(newest_checkpoint(run(), FileCheck::sizes).checkpoint->step, 10);
  const NewestCheckpoint newest = newest_checkpoint(run(), FileCheck::hashes);
  EXPECT_EQ(newest.checkpoint->step, 9);
  ASSERT_EQ(newest.passed_over.size(), 1u);
  EXPECT_NE(newest.passed_over[0].find("checkpoint-10/model.safetensors"), std::string::npos);
  fs::remove(run() / "checkpoint-9/manifest.json");
  EXPECT_EQ(newest_checkpoint(run(), FileCheck::sizes).checkpoint->step, 10);
  EXPECT_EQ(newest_checkpoint(run(), FileCheck::hashes).checkpoint->step, 2);
}

TEST_F(CheckpointFolder, TornManifestsAreNoCheckpoints) {
  const fs::path manifest = save(3) / "manifest.json";
  const std::string whole = tests::content_of(manifest);
  for (std::size_t length = 0; length + 2 < whole.size(); length += 37) {
    std::ofstream(manifest, std::ios::trunc) << whole.substr(0, length);
    EXPECT_FALSE(newest_checkpoint(run(), FileCheck::sizes).checkpoint) << length;
  }
}

TEST_F(CheckpointFolder, RotationKeepsTheNewest) {
  for (const int step : {1, 2, 3, 20}) save(step);
  const auto removed = rotate_checkpoints(run(), 2, run() / "checkpoint-20");
  EXPECT_EQ(removed, (std::vector<std::string>{"checkpoint-1", "checkpoint-2"}));
  EXPECT_EQ(list_checkpoints(run()).size(), 2u);
  EXPECT_TRUE(rotate_checkpoints(run(), std::nullopt, run() / "checkpoint-20").empty());
}

TEST_F(CheckpointFolder, LeftoversOfAKillAreSwept) {
  save(4);
  fs::create_directories(run() / "checkpoint-5.tmp-00ff");
  fs::create_directories(run() / ".trash-checkpoint-1-00ff");
  fs::create_directories(run() / "mine");
  EXPECT_EQ(list_checkpoints(run()).size(), 1u);
  sweep_leftovers(run());
  EXPECT_FALSE(fs::exists(run() / "checkpoint-5.tmp-00ff"));
  EXPECT_FALSE(fs::exists(run() / ".trash-checkpoint-1-00ff"));
  EXPECT_TRUE(fs::exists(run() / "mine"));
  EXPECT_TRUE(fs::exists(run() / "checkpoint-4"));
}

TEST_F(CheckpointFolder, AFailedSaveLeavesTheEarlierOneAndNothingElse) {
  save(1);
  std::ofstream(run() / "blocked") << "a file where a folder is needed";
  Manifest manifest;
  manifest.trainer.step = 2;
  EXPECT_THROW(save_checkpoint(run() / "blocked", *model_, *optimizer_, {}, manifest), Error);
  EXPECT_THROW(
      save_checkpoint(run(), *model_, *optimizer_, {{"no/such/folder.json", "{}"}}, manifest),
      Error);
  EXPECT_EQ(newest_checkpoint(run(), FileCheck::hashes).checkpoint->step, 1);
  for (const auto& entry : fs::directory_iterator(run())) {
    EXPECT_EQ(entry.path().filename().string().find(".tmp-"), std::string::npos) << entry.path();
  }
}

TEST_F(CheckpointFolder, ReplacesADamagedOneOfTheSameStep) {
  damage(save(5) / "model.safetensors");
  save(5);
  EXPECT_FALSE(damage_in(run() / "checkpoint-5", FileCheck::hashes));
}

TEST_F(CheckpointFolder, PublishedModelLoads) {
  publish_model(run(), save(6));
  std::vector<std::string> notes;
  const TensorMap weights =
      load_weights(run(), read_llama_config(run() / "config.json"), at::kCPU, notes);
  EXPECT_TRUE(weights.at("lm_head.weight").equal(model_->lm_head()->weight().detach()));
  EXPECT_FALSE(fs::exists(run() / "optimizer.safetensors"));
}

TEST_F(CheckpointFolder, WeightsThatAreNotFiniteAreNamedWithTheirFileAndCount) {
  std::vector<std::string> warnings;
  load_weights(folder_ / "model", config_, at::kCPU, warnings);
  EXPECT_TRUE(warnings.empty());
  {
    const at::NoGradGuard no_grad;
    at::Tensor weight = model_->parameters().front().tensor;
    weight.view(-1)[3] = std::numeric_limits<float>::quiet_NaN();
    weight.view(-1)[7] = -std::numeric_limits<float>::infinity();
  }
  const std::string name = model_->parameters().front().name;
  load_weights(save(4), config_, at::kCPU, warnings);
  ASSERT_EQ(warnings.size(), 1u);
  for (const std::string& word : {name, std::string("model.safetensors: 2 of the ")})
    EXPECT_NE(warnings[0].find(word), std::string::npos) << warnings[0];
}

TEST_F(CheckpointFolder, GrownRowsAreTheMean) {
  std::vector<std::string> notes;
  TensorMap weights = load_weights(folder_ / "model", config_, at::kCPU, notes);
  const at::Tensor before = weights.at("lm_head.weight").clone();
  EXPECT_FALSE(grow_embedding(config_, weights, 200));
  EXPECT_TRUE(grow_embedding(config_, weights, 260));
  EXPECT_EQ(config_.vocab_size, 260);
  for (const char* name : {"model.embed_tokens.weight", "lm_head.weight"})
    EXPECT_EQ(weights.at(name).size(0), 260);
  EXPECT_TRUE(weights.at("lm_head.weight").slice(0, 0, 257).equal(before));
  EXPECT_TRUE(weights.at("lm_head.weight")[259].allclose(before.mean(0)));
}

TEST_F(CheckpointFolder, MissingUnexpectedAndMisshapenTensorsAreNamed) {
  std::vector<std::string> notes;
  LlamaConfig other = config_;
  other.num_hidden_layers = 3;
  const auto message_for = [&](const LlamaConfig& config) {
    try {
      load_weights(folder_ / "model", config, at::kCPU, notes);
      return std::string("loaded");
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  EXPECT_NE(
      message_for(other).find("9 tensors that config.json asks for are missing: model.layers.2."),
      std::string::npos);
  other.num_hidden_layers = 1;
  EXPECT_NE(message_for(other).find("9 tensors have no place in this model: model.layers.1."),
            std::string::npos);
  other = config_;
  other.vocab_size = 300;
  EXPECT_NE(
      message_for(other).find("lm_head.weight has shape [257, 32], config.json asks for [300, 32]"),
      std::string::npos);
}

}  // namespace
}  // namespace engine
