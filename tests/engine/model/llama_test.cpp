// SPDX-License-Identifier: GPL-3.0-or-later
// Loss and logits of small checkpoints against transformers' numbers (tests/golden/models).
#include "engine/model/llama.h"

#include "engine/checkpoint/checkpoint_weights.h"
#include "engine/training/chunked_cross_entropy.h"
#include "tests/support/golden_ids.h"
#include "tests/support/one_thread.h"

#include <ATen/core/grad_mode.h>

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace engine {
namespace {

using tests::ids_of;

const std::string kModels = PARADIGM_SOURCE_DIR "/tests/golden/models/";

nlohmann::json golden_losses() {
  std::ifstream file(kModels + "losses.json");
  return nlohmann::json::parse(file);
}

Llama load_golden(const std::string& name) {
  const LlamaConfig config = read_llama_config(kModels + name + "/config.json");
  std::vector<std::string> notes;
  Llama model(config, load_weights(kModels + name, config, at::kCPU, notes));
  EXPECT_TRUE(notes.empty());
  return model;
}

TEST(Llama, LossesEqualTransformers) {
  const auto golden = golden_losses();
  ASSERT_GE(golden.at("models").size(), 9u);
  for (const auto& expected : golden.at("models")) {
    SCOPED_TRACE(expected.at("model").get<std::string>());
    Llama model = load_golden(expected.at("model"));
    const at::NoGradGuard no_grad;
    const at::Tensor ids = ids_of(expected.at("tokens"));
    const TokenLoss loss = next_token_loss(model, ids, {}, 1.0);
    const double mean = loss.loss.item<double>() / static_cast<double>(loss.tokens);
    const double wanted = expected.at("loss").get<double>();
    EXPECT_NEAR(mean, wanted, 1e-5 * wanted);
  }
}

TEST(Llama, LogitsEqualTransformers) {
  const auto golden = golden_losses();
  std::size_t compared = 0;
  for (const auto& expected : golden.at("models")) {
    SCOPED_TRACE(expected.at("model").get<std::string>());
    Llama model = load_golden(expected.at("model"));
    const at::NoGradGuard no_grad;
    const at::Tensor logits = model.logits(ids_of(expected.at("tokens")), {});
    for (const auto& sample : expected.at("logits")) {
      const at::Tensor place =
          logits[sample.at("row").get<int>()][sample.at("position").get<int>()];
      const auto values = sample.at("values").get<std::vector<double>>();
      compared += values.size();
      for (std::size_t id = 0; id < values.size(); ++id) {
        EXPECT_NEAR(place[static_cast<std::int64_t>(id)].item<double>(), values[id], 1e-4);
      }
    }
  }
  EXPECT_GT(compared, 500u);
}

TEST(Llama, ComputesInBf16OverFp32Masters) {
  Llama model = load_golden("gqa_untied");
  const at::Tensor ids = ids_of(golden_losses().at("models")[0].at("tokens"));
  const TokenLoss wide = next_token_loss(model, ids, {}, 1.0 / 94);
  const ForwardContext context{.phase = Phase::train, .compute_dtype = at::kBFloat16};
  EXPECT_EQ(model.hidden_states(ids, context).scalar_type(), at::kBFloat16);
  const TokenLoss narrow = next_token_loss(model, ids, context, 1.0 / 94);
  EXPECT_NEAR(narrow.loss.item<double>(), wide.loss.item<double>(), 0.02);
  EXPECT_NE(narrow.loss.item<double>(), wide.loss.item<double>());
  narrow.loss.backward();
  for (const Parameter& parameter : model.parameters()) {
    ASSERT_TRUE(parameter.tensor.grad().defined()) << parameter.name;
    EXPECT_EQ(parameter.tensor.grad().scalar_type(), at::kFloat) << parameter.name;
  }
}

TEST(Llama, TiedHeadIsOneParameter) {
  Llama tied = load_golden("tied");
  for (const Parameter& parameter : tied.parameters()) EXPECT_NE(parameter.name, "lm_head.weight");
  EXPECT_TRUE(tied.lm_head()->weight().is_same(tied.parameters().front().tensor));
}

TEST(Llama, OnlyBiasesAndNormsDoNotDecay) {
  Llama model = load_golden("biases");
  for (const Parameter& parameter : model.parameters()) {
    const bool is_exempt = parameter.name.ends_with(".bias") ||
                           parameter.name.find("norm.weight") != std::string::npos;
    EXPECT_EQ(parameter.decays, !is_exempt) << parameter.name;
  }
}

TEST(Llama, EarlierPositionsDoNotSeeLaterOnes) {
  Llama model = load_golden("gqa_untied");
  const at::NoGradGuard no_grad;
  at::Tensor ids = ids_of(golden_losses().at("models")[0].at("tokens"));
  const at::Tensor before = model.logits(ids, {});
  at::Tensor changed = ids.clone();
  changed.select(1, 30).fill_(3);
  const at::Tensor after = model.logits(changed, {});
  EXPECT_TRUE(after.slice(1, 0, 30).equal(before.slice(1, 0, 30)));
  EXPECT_FALSE(after.slice(1, 30).equal(before.slice(1, 30)));
}

}  // namespace
}  // namespace engine
