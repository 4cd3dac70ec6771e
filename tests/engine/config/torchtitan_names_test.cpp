// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/torchtitan_names.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

TEST(TorchtitanNames, EveryLayerHasOne) {
  EXPECT_EQ(torchtitan_name("model.layers.3.self_attn"), "layers.3.attention");
  EXPECT_EQ(torchtitan_name("model.layers.12.self_attn.q_proj"), "layers.12.attention.wq");
  EXPECT_EQ(torchtitan_name("model.layers.0.mlp.gate_proj"), "layers.0.feed_forward.w1");
  EXPECT_EQ(torchtitan_name("model.layers.0.mlp.down_proj"), "layers.0.feed_forward.w2");
  EXPECT_EQ(torchtitan_name("model.layers.0.mlp.up_proj"), "layers.0.feed_forward.w3");
  EXPECT_EQ(torchtitan_name("model.layers.0.post_attention_layernorm"), "layers.0.ffn_norm");
  EXPECT_EQ(torchtitan_name("lm_head"), "output");
  EXPECT_EQ(torchtitan_name("model.norm"), "norm");
}

TEST(TorchtitanNames, OtherNamesHaveNone) {
  for (const char* name : {"", "x", "model.layers.", "model.layers.0", "model.layers.0.conv"})
    EXPECT_EQ(torchtitan_name(name), "") << name;
}

}  // namespace
}  // namespace engine
