// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/layer_groups.h"

#include <gtest/gtest.h>

namespace {

using engine::layers_text;

std::vector<std::string> model(int blocks) {
  std::vector<std::string> layers;
  for (int i = 0; i < blocks; ++i) {
    for (const char* kind : {"self_attn", "self_attn.q_proj", "self_attn.k_proj", "mlp.gate_proj",
                             "mlp.up_proj", "mlp.down_proj"})
      layers.push_back("model.layers." + std::to_string(i) + "." + kind);
  }
  layers.push_back("lm_head");
  return layers;
}

std::vector<std::string> matching(const std::vector<std::string>& layers,
                                  const std::vector<std::string>& endings, int first = 0,
                                  int last = 99) {
  std::vector<std::string> found;
  for (const std::string& layer : layers) {
    for (int block = first; block <= last; ++block) {
      for (const std::string& ending : endings) {
        if (layer == "model.layers." + std::to_string(block) + "." + ending) found.push_back(layer);
      }
    }
  }
  return found;
}

TEST(LayersText, NamesWholeKindsByTheirPattern) {
  const auto all = model(12);
  EXPECT_EQ(layers_text(matching(all, {"mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"}), all),
            "all 36 mlp.*_proj");
  EXPECT_EQ(layers_text(matching(all, {"mlp.up_proj"}), all), "all 12 mlp.up_proj");
  EXPECT_EQ(layers_text(matching(all, {"mlp.gate_proj", "mlp.up_proj"}), all),
            "all 24 mlp.{gate,up}_proj");
  EXPECT_EQ(layers_text(all, all), "all 73 layers");
}

TEST(LayersText, NamesBlocksWhereNotAllAreMeant) {
  const auto all = model(12);
  EXPECT_EQ(layers_text(matching(all, {"self_attn"}, 2, 4), all), "3 self_attn in blocks 2–4");
  EXPECT_EQ(layers_text(matching(all, {"self_attn", "mlp.up_proj"}, 3, 3), all),
            "2 {self_attn,mlp.up_proj} in block 3");
  auto some = matching(all, {"mlp.up_proj"}, 0, 1);
  some.push_back("model.layers.7.mlp.up_proj");
  some.push_back("lm_head");
  EXPECT_EQ(layers_text(some, all), "3 mlp.up_proj in blocks 0–1 and 7, lm_head");
  EXPECT_EQ(layers_text({"lm_head"}, all), "lm_head");
  EXPECT_EQ(layers_text({}, all), "");
}

}  // namespace
