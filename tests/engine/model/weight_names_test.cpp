// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/weight_names.h"

#include "engine/checkpoint/safetensors_file.h"
#include "engine/model/llama_config.h"

#include <gtest/gtest.h>

#include <set>

namespace engine {
namespace {

class GoldenModel : public testing::TestWithParam<const char*> {};

TEST_P(GoldenModel, HasExactlyTheExpectedTensors) {
  const std::filesystem::path folder =
      std::string(PARADIGM_SOURCE_DIR "/tests/golden/models/") + GetParam();
  const SafetensorsSet weights = SafetensorsSet::open(folder);
  std::set<std::string> found;
  for (const ExpectedTensor& tensor : expected_tensors(read_llama_config(folder / "config.json"))) {
    const TensorEntry* entry = weights.find(tensor.name);
    if (entry == nullptr) {
      EXPECT_TRUE(tensor.optional) << tensor.name;
      continue;
    }
    EXPECT_EQ(entry->shape, tensor.shape) << tensor.name;
    found.insert(tensor.name);
  }
  EXPECT_EQ(found.size(), weights.names().size());
}

INSTANTIATE_TEST_SUITE_P(WeightNames, GoldenModel,
                         testing::Values("gqa_untied", "tied", "rope_llama3", "rope_parameters",
                                         "rope_linear_fp16", "biases", "bf16", "sharded",
                                         "head_dim"));

TEST(WeightNames, ComeInModuleOrder) {
  const auto tensors = expected_tensors(
      read_llama_config(PARADIGM_SOURCE_DIR "/tests/golden/models/biases/config.json"));
  EXPECT_EQ(tensors.front().name, "model.embed_tokens.weight");
  EXPECT_EQ(tensors[1].name, "model.layers.0.input_layernorm.weight");
  EXPECT_EQ(tensors[2].name, "model.layers.0.self_attn.q_proj.weight");
  EXPECT_EQ(tensors[3].name, "model.layers.0.self_attn.q_proj.bias");
  EXPECT_EQ(tensors.back().name, "lm_head.weight");
}

TEST(WeightNames, OldRotaryFrequenciesAreIgnored) {
  EXPECT_TRUE(is_ignored_tensor("model.layers.3.self_attn.rotary_emb.inv_freq"));
  EXPECT_FALSE(is_ignored_tensor("model.layers.3.self_attn.q_proj.weight"));
}

}  // namespace
}  // namespace engine
