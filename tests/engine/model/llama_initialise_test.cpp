// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/llama_initialise.h"

#include <ATen/TensorOperators.h>

#include <gtest/gtest.h>

#include <cmath>

namespace engine {
namespace {

LlamaConfig config_of(std::int64_t layers) {
  LlamaConfig config;
  config.hidden_size = 64;
  config.intermediate_size = 192;
  config.num_hidden_layers = layers;
  config.num_attention_heads = 4;
  config.num_key_value_heads = 2;
  config.head_dim = 16;
  config.vocab_size = 1000;
  return config;
}

double deviation(const at::Tensor& tensor) { return tensor.std().item<double>(); }
/// Five standard errors of a sample deviation.
double tolerance(const at::Tensor& tensor, double sigma) {
  return 5 * sigma / std::sqrt(2.0 * static_cast<double>(tensor.numel()));
}

TEST(InitialWeights, FollowTheDepthAwareRule) {
  const LlamaConfig config = config_of(3);
  const TensorMap weights = initial_weights(config, 42);
  const auto expect = [&](const std::string& name, double sigma) {
    const at::Tensor& tensor = weights.at(name);
    EXPECT_NEAR(deviation(tensor), sigma, tolerance(tensor, sigma)) << name;
    EXPECT_NEAR(tensor.mean().item<double>(), 0,
                5 * sigma / std::sqrt(static_cast<double>(tensor.numel())))
        << name;
  };
  expect("model.embed_tokens.weight", 1);
  for (int layer = 0; layer < 3; ++layer) {
    const std::string block = "model.layers." + std::to_string(layer);
    const double deep = 0.02 / std::sqrt(2.0 * (layer + 1));
    for (const char* name : {".self_attn.q_proj.weight", ".self_attn.k_proj.weight",
                             ".self_attn.v_proj.weight", ".mlp.gate_proj.weight"}) {
      expect(block + name, 0.02);
    }
    for (const char* name :
         {".self_attn.o_proj.weight", ".mlp.down_proj.weight", ".mlp.up_proj.weight"}) {
      expect(block + name, deep);
    }
    EXPECT_TRUE(weights.at(block + ".input_layernorm.weight").eq(1).all().item<bool>());
  }
  const at::Tensor& head = weights.at("lm_head.weight");
  const double sigma = 1 / std::sqrt(64.0);
  EXPECT_LE(head.abs().max().item<double>(), 3 * sigma);
  // A normal cut at three sigma has deviation 0.98658 sigma.
  EXPECT_NEAR(deviation(head), 0.98658 * sigma, tolerance(head, sigma));
}

TEST(InitialWeights, DependOnNothingButSeedNameAndIndex) {
  const TensorMap two = initial_weights(config_of(2), 42);
  const TensorMap three = initial_weights(config_of(3), 42);
  const TensorMap other = initial_weights(config_of(2), 43);
  for (const auto& [name, tensor] : two) {
    EXPECT_TRUE(tensor.equal(three.at(name))) << name;
    if (!name.ends_with("norm.weight")) {
      EXPECT_FALSE(tensor.equal(other.at(name))) << name;
    }
  }
}

TEST(InitialWeights, TensorsAreUncorrelated) {
  const TensorMap weights = initial_weights(config_of(2), 42);
  const at::Tensor a = weights.at("model.layers.0.self_attn.q_proj.weight").flatten();
  const at::Tensor b = weights.at("model.layers.1.self_attn.q_proj.weight").flatten();
  const double correlation = (a.dot(b) / (a.norm() * b.norm())).item<double>();
  EXPECT_LT(std::abs(correlation), 5 / std::sqrt(static_cast<double>(a.numel())));
}

TEST(InitialWeights, TiedModelHasNoHead) {
  LlamaConfig config = config_of(1);
  config.tie_word_embeddings = true;
  EXPECT_EQ(initial_weights(config, 1).count("lm_head.weight"), 0u);
}

}  // namespace
}  // namespace engine
