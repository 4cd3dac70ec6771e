// SPDX-License-Identifier: GPL-3.0-or-later
// Forgetting activations changes no bit of a training.
#include "engine/model/recomputed.h"

#include "engine/checkpoint/checkpoint_weights.h"
#include "engine/error.h"
#include "engine/training/layer_statistics.h"
#include "engine/training/model_setup.h"
#include "engine/training/trainer.h"
#include "engine/transform/transform_choice.h"
#include "tests/support/one_thread.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_llama.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randint.h>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace engine {
namespace {

class Recomputed : public ::testing::Test {
 protected:
  struct Training {
    std::unique_ptr<Llama> model;
    std::unique_ptr<AdamW> optimizer;
    std::unique_ptr<Trainer> trainer;
  };

  void SetUp() override {
    tests::write_tiny_llama(folder_ / "model", {.hidden_size = 64, .intermediate_size = 96});
  }

  Training training(const std::string& rules, ActivationCheckpointing checkpointing) {
    const LlamaConfig config = read_llama_config(folder_ / "model/config.json");
    std::vector<std::string> notes;
    Training made;
    made.model =
        std::make_unique<Llama>(config, load_weights(folder_ / "model", config, at::kCPU, notes));
    if (!rules.empty()) {
      const auto file = folder_.write("rules.yaml", rules).string();
      transform_model(*made.model, choose_transform(file, {}, config, "fp32"), {}, 42);
    }
    made.optimizer = std::make_unique<AdamW>(made.model->parameters(), AdamWOptions{});
    made.trainer =
        std::make_unique<Trainer>(*made.model, *made.optimizer,
                                  TrainerOptions{.schedule = {.type = "constant", .peak = 1e-3},
                                                 .layer_stats_steps = 2,
                                                 .checkpointing = checkpointing});
    return made;
  }

  void expect_same_training(const std::string& rules) {
    Training kept = training(rules, ActivationCheckpointing::none);
    Training selective = training(rules, ActivationCheckpointing::selective);
    Training whole = training(rules, ActivationCheckpointing::layer);
    at::Generator generator = at::detail::createCPUGenerator(7);
    for (int step = 0; step < 4; ++step) {
      std::vector<at::Tensor> ids;
      for (int micro = 0; micro < 2; ++micro) {
        ids.push_back(at::randint(257, {2, 24}, generator, at::kLong));
      }
      const StepMetrics expected = kept.trainer->step(ids);
      for (Training* other : {&selective, &whole}) {
        const StepMetrics metrics = other->trainer->step(ids);
        EXPECT_TRUE(at::equal(metrics.loss, expected.loss)) << step;
        EXPECT_TRUE(at::equal(metrics.grad_norm, expected.grad_norm)) << step;
        for (std::size_t i = 0; i < kept.model->parameters().size(); ++i) {
          ASSERT_TRUE(
              at::equal(kept.model->parameters()[i].tensor, other->model->parameters()[i].tensor))
              << "step " << step << ": " << kept.model->parameters()[i].name;
        }
        const auto states = kept.model->simulation_state();
        const auto others = other->model->simulation_state();
        ASSERT_EQ(states.size(), others.size());
        for (std::size_t i = 0; i < states.size(); ++i) {
          ASSERT_TRUE(at::equal(states[i].tensor, others[i].tensor)) << states[i].name;
        }
        const auto measured = layer_statistics(*kept.model, expected.gradient_norms);
        const auto repeated = layer_statistics(*other->model, metrics.gradient_norms);
        ASSERT_EQ(measured.size(), repeated.size());
        for (std::size_t i = 0; i < measured.size(); ++i) {
          EXPECT_EQ(measured[i].value, repeated[i].value)
              << measured[i].layer << " " << measured[i].statistic;
        }
      }
    }
  }

  tests::ScratchFolder folder_;
};

TEST_F(Recomputed, APlainTrainingKeepsItsBits) { expect_same_training(""); }

TEST_F(Recomputed, AnOpticalTrainingKeepsItsBits) {
  expect_same_training(
      "'.*_proj': {paradigm: optical_transformer, q_levels: 64}\n"
      "'.*self_attn': {paradigm: optical_transformer, q_levels: 256}\ndefault: null\n");
}

TEST_F(Recomputed, ATrainingUnderBitFlipsKeepsItsBits) {
  expect_same_training(
      "'.*_proj': {paradigm: random_bitflip, x_p_exp: 0.0002, x_p_frac: 0.0002, "
      "x_zero_out_t: 30, w_p_exp: 0.0002, w_p_frac: 0.0002, w_zero_out_t: 1.25}\ndefault: null\n");
}

TEST_F(Recomputed, IsRefusedForAModelWhoseAttentionDrops) {
  LlamaConfig config = read_llama_config(folder_ / "model/config.json");
  EXPECT_EQ(checkpointing_of("layer", config), ActivationCheckpointing::layer);
  config.attention_dropout = 0.1;
  EXPECT_EQ(checkpointing_of("none", config), ActivationCheckpointing::none);
  try {
    checkpointing_of("selective", config);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("attention_dropout"), std::string::npos);
  }
}

}  // namespace
}  // namespace engine
