// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/torchtitan_translation.h"

#include "engine/config/layer_pattern.h"
#include "engine/config/torchtitan_names.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

std::vector<std::string> layers() {
  std::vector<std::string> names;
  for (int block = 0; block < 12; ++block)
    for (const char* part :
         {"self_attn", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
          "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"})
      names.push_back("model.layers." + std::to_string(block) + "." + part);
  names.push_back("lm_head");
  return names;
}

TEST(TorchtitanTranslation, GoesWordByWordWhereThatSelectsTheSameLayers) {
  for (const auto& [theirs, ours] : std::vector<std::pair<std::string, std::string>>{
           {"layers\\.[0-9]+\\.attention", "model\\.layers\\.[0-9]+\\.self_attn"},
           {"layers\\.\\d+\\.attention\\.(wq|wk|wv|wo)",
            "model\\.layers\\.\\d+\\.self_attn\\.(q_proj|k_proj|v_proj|o_proj)"},
           {"layers.[0-9]+.feed_forward.(w1|w3)", "model\\.layers.[0-9]+.mlp.(gate_proj|up_proj)"},
           {"output", "lm_head"}}) {
    const TranslatedPattern translated = translate_pattern(theirs, true, layers());
    EXPECT_EQ(translated.pattern, ours);
    EXPECT_FALSE(translated.is_listed);
  }
}

TEST(TorchtitanTranslation, SelectsExactlyTheSameLayersOrNothing) {
  for (const char* theirs :
       {"layers\\..*", ".*w[123]", "layers\\.[0-3]\\..*", "(layers|x)\\.1\\d\\.attention.*",
        ".*attention.*", "layers\\.(?!0\\.).*", ".*", "layers\\.\\d\\.feed_forward\\.w\\d",
        "(?i)OUTPUT", "model.*", "norm"}) {
    const TranslatedPattern translated = translate_pattern(theirs, true, layers());
    const LayerPattern original(theirs, true);
    const LayerPattern ours(translated.pattern, true);
    bool any = false;
    for (const std::string& layer : layers()) {
      const bool is_meant = original.match(torchtitan_name(layer)) == LayerPattern::Result::match;
      any |= is_meant;
      EXPECT_EQ(!translated.pattern.empty() && ours.match(layer) == LayerPattern::Result::match,
                is_meant)
          << theirs << " as " << translated.pattern << " on " << layer;
    }
    EXPECT_EQ(any, !translated.pattern.empty()) << theirs;
  }
  EXPECT_TRUE(translate_pattern(".*w[123]", true, layers()).is_listed);
}

TEST(TorchtitanTranslation, NamesWithoutRegularExpressions) {
  EXPECT_EQ(translate_pattern("layers.3.attention.wq", false, layers()).pattern,
            "model.layers.3.self_attn.q_proj");
  EXPECT_EQ(translate_pattern("layers.99.attention.wq", false, layers()).pattern, "");
}

}  // namespace
}  // namespace engine
