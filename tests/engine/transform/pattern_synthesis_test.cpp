// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/pattern_synthesis.h"

#include "engine/config/layer_pattern.h"
#include "engine/model/llama_config.h"
#include "engine/transform/layer_inventory.h"
#include "engine/transform/pattern_lints.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <set>

namespace engine {
namespace {

std::vector<std::string> layers(int blocks, bool targets_only = true) {
  LlamaConfig llama;
  llama.hidden_size = 64;
  llama.intermediate_size = 128;
  llama.num_hidden_layers = blocks;
  llama.num_attention_heads = llama.num_key_value_heads = 4;
  llama.head_dim = 16;
  llama.vocab_size = 256;
  std::vector<std::string> names;
  const LayerInventory inventory = layer_inventory(llama);
  for (const LayerInfo& layer : inventory.layers())
    if (!targets_only || layer.kind == LayerKind::linear || layer.kind == LayerKind::attention)
      names.push_back(layer.name);
  return names;
}

std::vector<std::string> matching(const std::string& text, const std::vector<std::string>& names) {
  const LayerPattern pattern(text, true);
  EXPECT_EQ(pattern.error(), "") << text;
  std::vector<std::string> found;
  for (const std::string& name : names)
    if (pattern.match(name) == LayerPattern::Result::match) found.push_back(name);
  return found;
}

/// The pattern for what `wanted` matches.
std::string synthesized(const std::string& wanted, int blocks = 22) {
  const std::vector<std::string> names = layers(blocks);
  const std::vector<std::string> selected = matching(wanted, names);
  const SynthesizedPattern result = synthesize_pattern(selected, names);
  EXPECT_EQ(result.problem, "");
  EXPECT_EQ(matching(result.pattern, names), selected) << result.pattern;
  return result.pattern;
}

TEST(PatternSynthesis, WritesWhatAPersonWouldWrite) {
  EXPECT_EQ(synthesized("lm_head"), "lm_head");
  EXPECT_EQ(synthesized(".*"), ".*");
  EXPECT_EQ(synthesized(".*_proj"), ".*_proj");
  EXPECT_EQ(synthesized(".*self_attn"), ".*\\.self_attn");
  EXPECT_EQ(synthesized(".*\\.mlp\\..*"), ".*\\.mlp\\..*");
  EXPECT_EQ(synthesized(".*\\.(q|k|v)_proj"), ".*\\.[qkv]_proj");
  EXPECT_EQ(synthesized(".*\\.(q|down)_proj"), ".*\\.(q|down)_proj");
  EXPECT_EQ(synthesized("model\\.layers\\.3\\.self_attn\\.q_proj"), ".*\\.3\\.self_attn\\.q_proj");
  EXPECT_EQ(synthesized(".*\\.[0-3]\\.mlp\\..*"), ".*\\.[0-3]\\.mlp\\..*");
  EXPECT_EQ(synthesized("model\\.layers\\.3\\..*"), ".*\\.3\\..*");
  EXPECT_EQ(synthesized("model\\.layers\\.1[0-9]\\.mlp\\.up_proj"), ".*\\.1[0-9]\\.mlp\\.up_proj");
  EXPECT_EQ(synthesized(".*self_attn.*"), ".*\\.self_attn.*");
}

TEST(PatternSynthesis, IsExactForTenThousandRandomSelections) {
  std::mt19937 random(7);
  const std::vector<std::vector<std::string>> inventories{layers(2), layers(4), layers(6, false)};
  const char* long_tests = std::getenv("PARADIGM_LONG_TESTS");
  const int count = long_tests && std::string(long_tests) == "1" ? 100'000 : 10'000;
  for (int i = 0; i < count; ++i) {
    const std::vector<std::string>& names = inventories[random() % inventories.size()];
    std::set<std::string> chosen;
    switch (random() % 3) {
      case 0: {  // any layers
        const std::size_t wanted = 1 + random() % 12;
        while (chosen.size() < std::min(wanted, names.size()))
          chosen.insert(names[random() % names.size()]);
        break;
      }
      case 1: {  // some tails in some blocks
        const std::size_t step = 1 + random() % 4;
        for (std::size_t n = random() % names.size(); n < names.size(); n += step)
          chosen.insert(names[n]);
        break;
      }
      default: {  // a run in the tree
        const std::size_t first = random() % names.size();
        for (std::size_t n = first; n < std::min(names.size(), first + 1 + random() % 30); ++n)
          chosen.insert(names[n]);
      }
    }
    std::vector<std::string> selected(chosen.begin(), chosen.end());
    std::shuffle(selected.begin(), selected.end(), random);
    const SynthesizedPattern result = synthesize_pattern(selected, names);
    ASSERT_EQ(result.problem, "");
    ASSERT_EQ(std::set<std::string>(chosen).size(), matching(result.pattern, names).size())
        << result.pattern;
    for (const std::string& name : matching(result.pattern, names))
      ASSERT_TRUE(chosen.count(name)) << name << " by " << result.pattern;
    ASSERT_TRUE(bare_dots(result.pattern).empty()) << result.pattern;
    ASSERT_FALSE(not_portable(result.pattern)) << result.pattern;
  }
}

TEST(PatternSynthesis, OffersWiderPatternsWithWhatTheyAdd) {
  const std::vector<std::string> names = layers(22);
  const SynthesizedPattern result = synthesize_pattern(
      {"model.layers.3.mlp.up_proj", "model.layers.11.mlp.up_proj", "model.layers.20.mlp.up_proj"},
      names);
  EXPECT_FALSE(result.is_unwieldy);
  ASSERT_FALSE(result.alternatives.empty());
  const PatternSuggestion& every = result.alternatives[0];
  EXPECT_EQ(every.pattern, ".*\\.up_proj");
  EXPECT_EQ(every.extra.size(), 19u);
  EXPECT_EQ(matching(every.pattern, names).size(), 22u);
  const PatternSuggestion& list = result.alternatives.back();
  EXPECT_EQ(list.why, "each name on its own");
  EXPECT_EQ(matching(list.pattern, names).size(), 3u);
}

TEST(PatternSynthesis, SaysWhenTheExactPatternIsUnwieldy) {
  const std::vector<std::string> names = layers(32);
  std::vector<std::string> selected;
  std::mt19937 random(3);
  for (const std::string& name : names)
    if (random() % 3 == 0) selected.push_back(name);
  const SynthesizedPattern result = synthesize_pattern(selected, names);
  EXPECT_TRUE(result.is_unwieldy) << result.pattern;
  EXPECT_EQ(matching(result.pattern, names).size(), selected.size());
  EXPECT_FALSE(result.alternatives.empty());
}

TEST(PatternSynthesis, EscapesWhateverANameHolds) {
  const std::vector<std::string> names{"a+b.0.x(y)", "a+b.1.x(y)", "ä.ö", "default",
                                       "total",      "w[1]",       "a^b", "c]d"};
  for (const std::string& name : names) {
    const SynthesizedPattern result = synthesize_pattern({name}, names);
    EXPECT_EQ(matching(result.pattern, names), std::vector<std::string>{name}) << result.pattern;
    EXPECT_NE(result.pattern, "default");
    EXPECT_NE(result.pattern, "total");
  }
  EXPECT_EQ(matching(synthesize_pattern(names, names).pattern, names), names);
}

TEST(PatternSynthesis, RefusesLayersThatAreNotThere) {
  EXPECT_EQ(synthesize_pattern({}, layers(2)).pattern, "");
  const SynthesizedPattern result = synthesize_pattern({"nobody"}, layers(2));
  EXPECT_EQ(result.pattern, "");
  EXPECT_NE(result.problem.find("nobody"), std::string::npos);
}

}  // namespace
}  // namespace engine
