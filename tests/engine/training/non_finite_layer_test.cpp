// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/non_finite_layer.h"

#include "engine/checkpoint/checkpoint_weights.h"
#include "engine/training/random_tokens.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_llama.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <memory>
#include <string>

namespace engine {
namespace {

class NonFiniteLayer : public ::testing::Test {
 protected:
  void SetUp() override {
    at::set_num_threads(1);
    tests::write_tiny_llama(folder_ / "model", {.layers = 3});
    config_ = read_llama_config(folder_ / "model/config.json");
  }

  std::unique_ptr<Llama> model() {
    std::vector<std::string> warnings;
    return std::make_unique<Llama>(config_,
                                   load_weights(folder_ / "model", config_, at::kCPU, warnings));
  }

  /// The origin found when one value of the parameter is not finite.
  NonFiniteOrigin with(const std::string& parameter, float value) {
    auto poisoned = model();
    const at::NoGradGuard no_grad;
    for (const Parameter& each : poisoned->parameters()) {
      if (each.name == parameter) each.tensor.view({-1})[5] = value;
    }
    const at::AutoGradMode with_grad(true);
    return first_non_finite_layer(*poisoned, {ids()}, 3, at::kFloat);
  }

  at::Tensor ids() const { return random_tokens(2, 12, config_.vocab_size, 9); }

  tests::ScratchFolder folder_;
  LlamaConfig config_;
};

TEST_F(NonFiniteLayer, EveryLinearIsNamedWhenItsWeightIsPoisoned) {
  for (const std::string block : {"model.layers.0", "model.layers.1", "model.layers.2"}) {
    for (const std::string name :
         {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
          "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"}) {
      const std::string layer = block + "." + name;
      const float nan = std::numeric_limits<float>::quiet_NaN();
      EXPECT_EQ(with(layer + ".weight", nan).layer, layer);
    }
  }
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(with("lm_head.weight", infinity).layer, "lm_head");
}

TEST_F(NonFiniteLayer, WhatLiesBetweenLinearsIsNamedByItsParameter) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const std::string name : {"model.layers.1.input_layernorm",
                                 "model.layers.2.post_attention_layernorm", "model.norm"}) {
    const NonFiniteOrigin origin = with(name + ".weight", nan);
    EXPECT_EQ(origin.layer, name);
    EXPECT_NE(origin.text.find("the weight of " + name), std::string::npos) << origin.text;
  }
}

TEST_F(NonFiniteLayer, AFiniteModelHasNoneAndIsLeftAsItWas) {
  auto sound = model();
  std::map<std::string, LinearLayer*> before;
  for (auto* slot : sound->linear_slots()) before[(*slot)->name()] = &**slot;
  const NonFiniteOrigin origin = first_non_finite_layer(*sound, {ids(), ids()}, 0, at::kFloat);
  EXPECT_EQ(origin.layer, "");
  EXPECT_EQ(origin.text, "");
  for (auto* slot : sound->linear_slots()) EXPECT_EQ(before[(*slot)->name()], &**slot);
}

}  // namespace
}  // namespace engine
