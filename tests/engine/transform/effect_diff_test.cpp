// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/effect_diff.h"

#include "engine/model/llama_config.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace engine {
namespace {

LayerInventory inventory(int layers) {
  LlamaConfig config;
  config.hidden_size = 64;
  config.intermediate_size = 128;
  config.num_hidden_layers = layers;
  config.num_attention_heads = 4;
  config.num_key_value_heads = 2;
  config.head_dim = 16;
  config.vocab_size = 512;
  return layer_inventory(config);
}

TransformEffect effect(const std::string& rules, int layers = 4) {
  TransformEffect result;
  const LayerInventory all = inventory(layers);
  for (const LayerInfo& layer : all.layers()) {
    if (layer.kind == LayerKind::linear || layer.kind == LayerKind::attention)
      result.layers.push_back(layer.name);
  }
  result.infos = paradigm_infos();
  if (rules.empty()) return result;
  const auto parsed =
      parse_transform_config("layer_name_to_config:\n" + rules, "t.yaml", result.infos);
  EXPECT_FALSE(has_errors(parsed.problems)) << rules << to_string(parsed.problems.at(0));
  result.plan = plan_transform(all, parsed.config, result.infos, "fp32");
  return result;
}

std::string rule(const std::string& pattern, const std::string& values) {
  return fmt::format("  '{}': {}\n", pattern, values);
}

const std::string kMlp = R"(model\.layers\.\d+\.mlp\.(gate|up|down)_proj)";

TEST(EffectDiff, NamesLayersAndValues) {
  const EffectDiff diff =
      diff_effects(effect(rule(kMlp, "{q_levels: 256}") + rule("default", "null")),
                   effect(rule(kMlp, "{q_levels: 64}") + rule("default", "null")));
  ASSERT_EQ(diff.changes.size(), 1u);
  EXPECT_EQ(diff.changes[0].layers.size(), 12u);
  EXPECT_EQ(diff.changes[0].layers_text, "all 12 mlp.*_proj");
  EXPECT_EQ(diff.changes[0].text, "q_levels 256 → 64");
}

TEST(EffectDiff, SpellingDoesNotCount) {
  const EffectDiff diff =
      diff_effects(effect(rule(kMlp, "{q_levels: 256}") + rule("default", "null")),
                   effect(rule(R"(.*\.mlp\..*)", "{paradigm: optical_transformer, q_levels: 256}") +
                          rule("lm_head", "null") + rule("default", "null")));
  EXPECT_TRUE(diff.is_empty());
}

TEST(EffectDiff, PlainAndOtherParadigms) {
  const TransformEffect plain = effect("");
  const TransformEffect optical =
      effect(rule("lm_head", "{q_levels: 16}") + rule("default", "null"));
  const TransformEffect flips =
      effect(rule("lm_head", "{w_p_exp: 0.001}") + rule("default", "null"));
  EXPECT_EQ(diff_effects(plain, optical).changes.at(0).text,
            "plain → optical_transformer (q_levels 16)");
  EXPECT_EQ(diff_effects(optical, plain).changes.at(0).text, "optical_transformer → plain");
  const EffectDiff diff = diff_effects(optical, flips);
  ASSERT_EQ(diff.changes.size(), 1u);
  EXPECT_EQ(diff.changes[0].from_paradigm, "optical_transformer");
  EXPECT_EQ(diff.changes[0].to_paradigm, "random_bitflip");
  EXPECT_TRUE(diff_effects(plain, plain).is_empty());
}

TEST(EffectDiff, LayersOfAnotherModelAreNamed) {
  const EffectDiff diff = diff_effects(effect("", 2), effect("", 3));
  EXPECT_TRUE(diff.changes.empty());
  EXPECT_TRUE(diff.only_in_base.empty());
  EXPECT_EQ(diff.only_in_other.size(), 8u);
  EXPECT_FALSE(diff.is_empty());
}

TEST(EffectDiff, SeedsTellDrawsApartAndNothingElse) {
  const TransformEffect one = effect(rule("default", "{q_levels: 64, q_init_seed: 1}"));
  const TransformEffect two = effect(rule("default", "{q_levels: 64, q_init_seed: 2}"));
  const TransformEffect three = effect(rule("default", "{q_levels: 32, q_init_seed: 2}"));
  EXPECT_EQ(digest_without_seeds(one.plan), digest_without_seeds(two.plan));
  EXPECT_NE(digest_without_seeds(two.plan), digest_without_seeds(three.plan));
  EXPECT_EQ(seeds_text(one.plan), "q_init_seed=1");
  EXPECT_FALSE(diff_effects(one, two).is_empty());
  EXPECT_TRUE(is_seed_parameter("x_seed_exp"));
  EXPECT_FALSE(is_seed_parameter("seedling"));
}

/// Two files of the same effect: rules over disjoint layers in another order, patterns spelled
/// differently, values written out or left at their defaults, a rule that never wins added.
TEST(EffectDiff, IsEmptyForPermutedButEquivalentPatterns) {
  std::mt19937 generator(7);
  const auto pick = [&generator](int below) {
    return static_cast<int>(generator() % static_cast<unsigned>(below));
  };
  const std::vector<std::pair<std::string, std::string>> spellings = {
      {R"(model\.layers\.\d+\.self_attn)", R"(.*self_attn)"},
      {R"(model\.layers\.\d+\.self_attn\.(q|k)_proj)", R"(.*[qk]_proj)"},
      {R"(model\.layers\.\d+\.self_attn\.(v|o)_proj)", R"(.*\.(?:o|v)_proj)"},
      {R"(model\.layers\.[02]\.mlp\.(gate|up|down)_proj)", R"(model\.layers\.(0|2)\.mlp\..+)"},
      {R"(model\.layers\.[13]\.mlp\.(gate|up|down)_proj)", R"(.*\.[13]\.mlp\.\w+)"},
      {"lm_head", "lm_hea[d]"}};
  int different = 0;
  for (int trial = 0; trial < 1000; ++trial) {
    std::vector<std::string> first, second, changed;
    for (const auto& [plain, other] : spellings) {
      const int levels = 1 << (1 + pick(15));
      const bool leaves_alone = pick(4) == 0;
      const bool is_long = pick(2) == 0;
      const auto values = [&](int count) {
        return leaves_alone ? std::string("null") : fmt::format("{{q_levels: {}}}", count);
      };
      first.push_back(rule(plain, values(levels)));
      second.push_back(rule(pick(2) == 0 ? plain : other,
                            leaves_alone || !is_long
                                ? values(levels)
                                : fmt::format("{{q_bypass: false, q_levels: {}}}", levels)));
      changed.push_back(rule(plain, values(levels == 2 ? 4 : 2)));
    }
    std::shuffle(second.begin(), second.end(), generator);
    std::string a, b, c;
    for (const std::string& each : first) a += each;
    for (const std::string& each : second) b += each;
    for (const std::string& each : changed) c += each;
    if (pick(2) == 0) b += rule("no_such_layer.*", "{q_levels: 2}");
    for (std::string* text : {&a, &b, &c}) *text += rule("default", "null");
    const EffectDiff diff = diff_effects(effect(a), effect(b));
    ASSERT_TRUE(diff.is_empty()) << a << "\n" << b << diff.changes.at(0).text;
    different += diff_effects(effect(a), effect(c)).is_empty() ? 0 : 1;
  }
  EXPECT_GT(different, 990) << "and a true difference is seen";
}

}  // namespace
}  // namespace engine
