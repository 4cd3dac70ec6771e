// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/rope_choice.h"

#include "engine/error.h"
#include "engine/model/clm_family.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace engine {
namespace {

LlamaConfig exported() {
  LlamaConfig config = *find_clm_config("60M");
  config.rope_scaling = RopeScaling{.type = "llama3", .factor = 8};
  config.max_position_embeddings = 131072;
  return config;
}

TEST(RopeChoice, RecognisesTheExportersPatternOnly) {
  EXPECT_TRUE(has_exported_rope_scaling(exported()));
  EXPECT_FALSE(has_exported_rope_scaling(*find_clm_config("60M")));
  LlamaConfig llama31 = exported();
  llama31.rope_theta = 500000;
  EXPECT_FALSE(has_exported_rope_scaling(llama31)) << "this is Llama 3.1 itself";
}

TEST(RopeChoice, ConfigHonoursTheScalingAndSaysThatItIsTheExporters) {
  LlamaConfig config = exported();
  std::vector<std::string> notes;
  choose_rope(config, "config", "m/config.json", notes);
  EXPECT_TRUE(config.rope_scaling);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("m/config.json"), std::string::npos);
  EXPECT_NE(notes[0].find("--rope as_trained"), std::string::npos);
}

TEST(RopeChoice, AsTrainedLeavesItOutAndAConfigurationWrittenFromItHasNone) {
  LlamaConfig config = exported();
  config.source_json = llama_config_json(config);
  std::vector<std::string> notes;
  choose_rope(config, "as_trained", "m/config.json", notes);
  EXPECT_FALSE(config.rope_scaling);
  EXPECT_EQ(notes.size(), 1u);
  const LlamaConfig again = parse_llama_config(llama_config_json(config), "config.json");
  EXPECT_FALSE(again.rope_scaling);
  EXPECT_EQ(again.rope_theta, 10000);
}

TEST(RopeChoice, AsTrainedRefusesAnotherScalingByName) {
  LlamaConfig config = exported();
  config.rope_scaling->factor = 32;
  std::vector<std::string> notes;
  try {
    choose_rope(config, "as_trained", "m/config.json", notes);
    FAIL() << "a scaling that the model was trained with was taken off";
  } catch (const Error& error) {
    const std::string what = error.what();
    for (const char* word : {"--rope", "as_trained", "llama3", "32", "m/config.json"})
      EXPECT_NE(what.find(word), std::string::npos) << what;
  }
}

TEST(RopeChoice, WithoutScalingThereIsNothingToSay) {
  LlamaConfig config = *find_clm_config("60M");
  std::vector<std::string> notes;
  choose_rope(config, "as_trained", "m/config.json", notes);
  choose_rope(config, "config", "m/config.json", notes);
  EXPECT_TRUE(notes.empty());
}

}  // namespace
}  // namespace engine
