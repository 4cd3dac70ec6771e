// SPDX-License-Identifier: GPL-3.0-or-later
// A value that is not finite is put into one layer after the other, of a plain model and of
// transformed ones: the run's sentinel names that layer.
#include "engine/checkpoint/checkpoint_weights.h"
#include "engine/runs/run_record.h"
#include "engine/training/train.h"
#include "tests/support/tiny_training.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <string>
#include <vector>

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOptical = "layer_name_to_config:\n  default: {q_levels: 256}\n";
// Without thresholds, which would set to zero what is not finite.
constexpr const char* kBitflip = R"(layer_name_to_config:
  default: {paradigm: random_bitflip, x_p_frac: 0.002, w_p_frac: 2.0e-4}
  model.layers.0.self_attn: null
  model.layers.1.self_attn: null
)";

class PoisonedLayer : public tests::TinyTraining,
                      public ::testing::WithParamInterface<const char*> {
 protected:
  PoisonedLayer() : TinyTraining(810) {
    config_ = read_llama_config(folder_ / "model/config.json");
    std::vector<std::string> none;
    sound_ = load_weights(folder_ / "model", config_, at::kCPU, none);
  }

  /// What the sentinel of a short run sees.
  std::vector<DivergenceSeen> seen_with(const TensorMap& weights) {
    write_tensors(folder_ / "model/model.safetensors",
                  NamedTensors(weights.begin(), weights.end()));
    RunConfig config = training("run");
    config.transform_config = "none";
    if (*GetParam() != '\0') config.transform_config = folder_.write("t.yaml", GetParam()).string();
    config.gradient_accumulation_steps = 2;
    config.max_steps = 2;
    config.logging_steps = 1;
    config.save_strategy = "no";
    fs::remove_all(folder_ / "run");
    RunControl control;
    const TrainOutcome outcome = train(config, control, {});
    EXPECT_TRUE(outcome.finished) << outcome.message;
    return read_record(folder_ / "run").divergences;
  }

  TensorMap copy_of_weights() const {
    TensorMap weights;
    for (const auto& [name, tensor] : sound_) weights[name] = tensor.detach().clone();
    return weights;
  }

  void expect_named(const std::vector<DivergenceSeen>& seen, const std::string& layer) {
    ASSERT_EQ(seen.size(), 1u) << layer;
    EXPECT_EQ(seen.front().kind, "non_finite") << layer;
    EXPECT_EQ(seen.front().layer, layer) << seen.front().text;
  }

  LlamaConfig config_;
  TensorMap sound_;
};

TEST_P(PoisonedLayer, EveryLinearIsNamed) {
  int layers = 0;
  for (const auto& [name, tensor] : sound_) {
    const std::string suffix = ".weight";
    if (name.find("_proj") == std::string::npos && name != "lm_head.weight") continue;
    for (const float value :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      TensorMap weights = copy_of_weights();
      weights.at(name).view({-1})[11] = value;
      expect_named(seen_with(weights), name.substr(0, name.size() - suffix.size()));
    }
    ++layers;
  }
  EXPECT_EQ(layers, 15);
}

// Finite projections whose products are too large for the softmax.
TEST_P(PoisonedLayer, EveryAttentionIsNamed) {
  for (const std::string attention : {"model.layers.0.self_attn", "model.layers.1.self_attn"}) {
    TensorMap weights = copy_of_weights();
    for (const char* projection : {".q_proj.weight", ".k_proj.weight"}) {
      weights.at(attention + projection).mul_(1e22);
    }
    expect_named(seen_with(weights), attention);
  }
}

TEST_P(PoisonedLayer, ASoundModelRaisesNoAlarm) { EXPECT_TRUE(seen_with(sound_).empty()); }

INSTANTIATE_TEST_SUITE_P(Plain, PoisonedLayer, testing::Values(""));
INSTANTIATE_TEST_SUITE_P(Optical, PoisonedLayer, testing::Values(kOptical));
INSTANTIATE_TEST_SUITE_P(BitFlips, PoisonedLayer, testing::Values(kBitflip));

}  // namespace
}  // namespace engine
