// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/transform_pass.h"

#include "engine/checkpoint/checkpoint_weights.h"
#include "engine/error.h"
#include "engine/training/calibration.h"
#include "engine/training/chunked_cross_entropy.h"
#include "engine/transform/transform_choice.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_llama.h"

#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/randint.h>

#include <gtest/gtest.h>

#include <memory>

namespace engine {
namespace {

constexpr const char* kEverything = R"(use_regex: true
layer_name_to_config:
  model\.layers\.[0-9]+\.self_attn: &all
    q_levels: 256
    q_lut_min: 0.020040
    q_quantiles: null
    q_smooth_factor: 0.9
    q_init_seed: 0
    q_bypass: false
  model\.layers\.0\.mlp\.up_proj: null
  default: *all
)";

std::string bypassed(std::string text) {
  return text.replace(text.find("q_bypass: false"), 15, "q_bypass: true");
}

class TransformPass : public ::testing::Test {
 protected:
  std::unique_ptr<Llama> model(const tests::TinyLlama& shape = {}) {
    tests::write_tiny_llama(folder_ / "model", shape);
    config_ = read_llama_config(folder_ / "model/config.json");
    std::vector<std::string> notes;
    return std::make_unique<Llama>(config_,
                                   load_weights(folder_ / "model", config_, at::kCPU, notes));
  }

  TransformPlan plan(const std::string& text) {
    return choose_transform(folder_.write("transform.yaml", text).string(), {}, config_).plan;
  }

  double loss(Llama& model, Phase phase = Phase::train) {
    at::manual_seed(1);
    const at::Tensor ids = at::randint(257, {2, 16}, at::kLong);
    return next_token_loss(model, ids, {.phase = phase}, 1.0).loss.item<double>();
  }

  tests::ScratchFolder folder_;
  LlamaConfig config_;
};

TEST_F(TransformPass, ReplacesExactlyWhatThePlanSaysAttentionsFirst) {
  auto live = model();
  const TransformPlan planned = plan(kEverything);
  std::vector<std::string> heard;
  apply_transform(*live, planned, all_paradigms(), {},
                  [&](const Assignment& assignment) { heard.push_back(assignment.layer); });
  ASSERT_EQ(heard.size(), 2u + 2u * 7u);  // all but up_proj of layer 0, and the head
  EXPECT_EQ(heard.front(), "model.layers.0.self_attn");
  EXPECT_EQ(heard[1], "model.layers.1.self_attn");
  EXPECT_EQ(heard[2], "model.layers.0.self_attn.q_proj");
  EXPECT_EQ(heard.back(), "lm_head");
  for (const auto* slot : live->linear_slots()) {
    EXPECT_EQ((*slot)->is_transformed(), (*slot)->name() != "model.layers.0.mlp.up_proj")
        << (*slot)->name();
  }
  EXPECT_EQ(planned.histogram.layer_count(), static_cast<int>(heard.size()));
}

TEST_F(TransformPass, SharesTheOriginalsTensors) {
  auto live = model({.biases = true});
  apply_transform(*live, plan(kEverything), all_paradigms(), {});
  std::size_t shared = 0;
  for (const auto* slot : live->linear_slots()) {
    for (const Parameter& parameter : live->parameters()) {
      if (parameter.name == (*slot)->name() + ".weight") {
        EXPECT_TRUE((*slot)->weight().is_same(parameter.tensor)) << parameter.name;
        ++shared;
      }
    }
  }
  EXPECT_EQ(shared, live->linear_slots().size());
}

TEST_F(TransformPass, RefusesASecondPass) {
  auto live = model();
  const TransformPlan planned = plan(kEverything);
  apply_transform(*live, planned, all_paradigms(), {});
  try {
    apply_transform(*live, planned, all_paradigms(), {});
    FAIL() << "a second pass was carried out";
  } catch (const Error& error) {
    EXPECT_EQ(error.problems().front().id, "already-transformed");
  }
}

TEST_F(TransformPass, ChangesTheLossAndBypassDoesNotChangeOneBit) {
  auto plain = model();
  auto bypass = model();
  apply_transform(*bypass, plan(bypassed(kEverything)), all_paradigms(), {});
  auto simulated = model();
  apply_transform(*simulated, plan(kEverything), all_paradigms(), {});
  const double expected = loss(*plain);
  EXPECT_EQ(loss(*bypass), expected);
  EXPECT_NE(loss(*simulated), expected);
  EXPECT_NEAR(loss(*simulated), expected, 0.2 * expected);
}

TEST_F(TransformPass, TiedHeadIsTransformedAsAHeadOnly) {
  auto live = model({.tied = true});
  apply_transform(*live, plan(kEverything), all_paradigms(), {});
  EXPECT_TRUE(live->lm_head()->is_transformed());
  EXPECT_TRUE(live->lm_head()->weight().is_same(live->parameters().front().tensor));
  loss(*live);
  next_token_loss(*live, at::randint(257, {2, 16}, at::kLong), {.phase = Phase::train}, 1.0)
      .loss.backward();
  EXPECT_TRUE(live->parameters().front().tensor.grad().defined());
}

TEST_F(TransformPass, EvaluationChangesNoStateAndCalibrationFillsIt) {
  auto live = model();
  apply_transform(*live, plan(kEverything), all_paradigms(), {});
  EXPECT_TRUE(has_unobserved_state(*live));
  EXPECT_THROW(loss(*live, Phase::evaluate), Error);
  {
    const at::NoGradGuard no_grad;
    loss(*live, Phase::calibrate);
  }
  EXPECT_FALSE(has_unobserved_state(*live));
  std::vector<at::Tensor> before;
  for (const NamedState& state : live->simulation_state()) before.push_back(state.tensor.clone());
  const double once = loss(*live, Phase::evaluate);
  EXPECT_EQ(loss(*live, Phase::evaluate), once);
  const auto after = live->simulation_state();
  for (std::size_t i = 0; i < after.size(); ++i)
    EXPECT_TRUE(after[i].tensor.equal(before[i])) << after[i].name;
}

TEST_F(TransformPass, NamesALayerThatTheModelLacks) {
  auto live = model();
  TransformPlan planned = plan(kEverything);
  for (Assignment& assignment : planned.assignments) {
    if (assignment.layer == "lm_head") assignment.layer = "model.no_such_layer";
  }
  EXPECT_THROW(apply_transform(*live, planned, all_paradigms(), {}), Error);
}

}  // namespace
}  // namespace engine
