// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/layer_inventory.h"

#include "engine/model/clm_family.h"
#include "engine/model/llama_config.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

LlamaConfig small_config() {
  LlamaConfig config;
  config.hidden_size = 48;
  config.intermediate_size = 80;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 4;
  config.num_key_value_heads = 2;
  config.head_dim = 16;
  config.vocab_size = 100;
  return config;
}

std::int64_t sum_of_parameters(const LayerInventory& inventory) {
  std::int64_t sum = 0;
  for (const LayerInfo& layer : inventory.layers()) sum += layer.parameters;
  return sum;
}

TEST(LayerInventory, ListsOneBlockInForwardOrder) {
  LlamaConfig config = small_config();
  config.num_hidden_layers = 1;
  std::vector<std::string> names;
  const LayerInventory inventory = layer_inventory(config);
  for (const LayerInfo& layer : inventory.layers()) {
    names.push_back(std::string(to_string(layer.kind)) + " " + layer.name);
  }
  EXPECT_EQ(
      names,
      (std::vector<std::string>{
          "embedding model.embed_tokens", "norm model.layers.0.input_layernorm",
          "attention model.layers.0.self_attn", "linear model.layers.0.self_attn.q_proj",
          "linear model.layers.0.self_attn.k_proj", "linear model.layers.0.self_attn.v_proj",
          "linear model.layers.0.self_attn.o_proj", "norm model.layers.0.post_attention_layernorm",
          "linear model.layers.0.mlp.gate_proj", "linear model.layers.0.mlp.up_proj",
          "linear model.layers.0.mlp.down_proj", "norm model.norm", "linear lm_head"}));
}

TEST(LayerInventory, ShapesFollowHeadsAndNotTheHiddenSize) {
  const LayerInventory inventory = layer_inventory(small_config());
  const auto shape = [&](const char* name) { return inventory.find(name)->shape; };
  EXPECT_EQ(shape("model.layers.1.self_attn"), (std::vector<std::int64_t>{4, 2, 16}));
  EXPECT_EQ(shape("model.layers.1.self_attn.q_proj"), (std::vector<std::int64_t>{64, 48}));
  EXPECT_EQ(shape("model.layers.1.self_attn.k_proj"), (std::vector<std::int64_t>{32, 48}));
  EXPECT_EQ(shape("model.layers.1.self_attn.o_proj"), (std::vector<std::int64_t>{48, 64}));
  EXPECT_EQ(shape("model.layers.1.mlp.down_proj"), (std::vector<std::int64_t>{48, 80}));
  EXPECT_EQ(shape("model.embed_tokens"), (std::vector<std::int64_t>{100, 48}));
  EXPECT_EQ(inventory.find("model.layers.1.self_attn")->block, 1);
  EXPECT_EQ(inventory.find("lm_head")->block, -1);
  EXPECT_EQ(inventory.find("model.layers.2.self_attn"), nullptr);
}

TEST(LayerInventory, ParametersSumUpToTheModels) {
  for (const bool tied : {false, true}) {
    for (const bool biases : {false, true}) {
      LlamaConfig config = small_config();
      config.tie_word_embeddings = tied;
      config.attention_bias = biases;
      config.mlp_bias = biases;
      EXPECT_EQ(sum_of_parameters(layer_inventory(config)), config.total_parameters())
          << tied << biases;
    }
  }
  for (const ClmFlavour& flavour : clm_family()) {
    EXPECT_EQ(sum_of_parameters(layer_inventory(flavour.config)),
              flavour.config.total_parameters());
  }
}

TEST(LayerInventory, BiasesCountWhereTheConfigurationHasThem) {
  LlamaConfig config = small_config();
  config.attention_bias = true;
  const LayerInventory inventory = layer_inventory(config);
  EXPECT_TRUE(inventory.find("model.layers.0.self_attn.o_proj")->has_bias);
  EXPECT_EQ(inventory.find("model.layers.0.self_attn.k_proj")->parameters, 32 * 48 + 32);
  EXPECT_FALSE(inventory.find("model.layers.0.mlp.up_proj")->has_bias);
  EXPECT_FALSE(inventory.find("lm_head")->has_bias);
}

TEST(LayerInventory, CountsTheFlopsOfOneToken) {
  const LayerInventory inventory = layer_inventory(small_config());
  const auto flops = [&](const char* name) {
    return forward_flops_per_token(*inventory.find(name), 10);
  };
  EXPECT_EQ(flops("model.layers.0.self_attn.q_proj"), 2.0 * 64 * 48);
  // QK^T and AV are 2·10·64 each, and half of the keys lie in the future.
  EXPECT_EQ(flops("model.layers.0.self_attn"), 2 * 2.0 * 10 * 64 / 2);
  EXPECT_EQ(flops("model.embed_tokens"), 0);
  EXPECT_GT(flops("model.norm"), 0);
}

TEST(LayerInventory, FlopsOfTheFamilyAgreeWithItsTable) {
  // The table counts 6·N_ex + 12·L·H·D·S a token: three times the forward pass, attention in full,
  // norms' weights too.
  const struct {
    const char* name;
    double giga_flops;
  } rows[] = {{"debug", 0.0470}, {"60M", 0.587},  {"200M", 1.798},
              {"400M", 3.159},   {"600M", 4.644}, {"1.1B", 7.626}};
  for (const auto& row : rows) {
    const LlamaConfig config = *find_clm_config(row.name);
    double forward = 0;
    const LayerInventory inventory = layer_inventory(config);
    for (const LayerInfo& layer : inventory.layers()) {
      const double once = forward_flops_per_token(layer, 2048);
      if (layer.kind == LayerKind::linear) forward += once;
      if (layer.kind == LayerKind::attention) forward += 2 * once;
    }
    EXPECT_NEAR(3 * forward / 1e9, row.giga_flops, 0.001 * row.giga_flops) << row.name;
  }
}

}  // namespace
}  // namespace engine
