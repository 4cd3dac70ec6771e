// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/transform_plan.h"

#include "engine/config/layer_pattern.h"
#include "engine/model/llama_config.h"
#include "engine/transform/followed_formats.h"

#include <gtest/gtest.h>

#include <chrono>
#include <stop_token>
#include <thread>

namespace engine {
namespace {

LayerInventory inventory(int layers, bool tied = false) {
  LlamaConfig config;
  config.hidden_size = 384;
  config.intermediate_size = 1408;
  config.num_hidden_layers = layers;
  config.num_attention_heads = 6;
  config.num_key_value_heads = 2;
  config.head_dim = 64;
  config.vocab_size = 49152;
  config.tie_word_embeddings = tied;
  return layer_inventory(config);
}

/// A paradigm that replaces Linears only, as random_bitflip will: for files of two paradigms and
/// for snapping.
ParadigmInfo flip_info() {
  return {.id = "flip",
          .title = "Flip",
          .summary = "",
          .key_prefixes = {"f_"},
          .targets = {LayerKind::linear},
          .schema = {probability("f_p", unset).nullable().snaps(Snap::power_of_two_probability)}};
}

std::vector<ParadigmInfo> infos() {
  std::vector<ParadigmInfo> all = paradigm_infos();
  all.push_back(flip_info());
  return all;
}

TransformConfig config(const std::string& rules) {
  const ParsedTransform parsed = parse_transform_config(rules, "t.yaml", infos());
  EXPECT_TRUE(parsed.problems.empty()) << to_string(parsed.problems.at(0));
  return parsed.config;
}

TransformPlan plan(const std::string& rules, int layers = 2) {
  return plan_transform(inventory(layers), config(rules), infos());
}

std::string winner(const TransformPlan& plan, const std::string& layer) {
  const Assignment* assignment = plan.find(layer);
  return assignment
             ? std::string(to_string(assignment->outcome)) + " " + std::to_string(assignment->rule)
             : "no candidate";
}

TEST(TransformPlan, UpstreamsFileReplaces176LayersOf60M) {
  const ParsedTransform parsed = read_transform_config(
      PARADIGM_SOURCE_DIR "/configs/transforms/optical_transformer.yaml", infos());
  const TransformPlan result = plan_transform(inventory(22), parsed.config, infos());
  EXPECT_EQ(result.assignments.size(), 22u * 8 + 1);
  EXPECT_EQ(result.histogram.layer_count(), 176);
  ASSERT_EQ(result.histogram.entries.size(), 3u);
  EXPECT_EQ(result.histogram.entries[0].layers.size(), 22u);
  EXPECT_EQ(result.histogram.entries[1].layers.size(), 88u);
  EXPECT_EQ(result.histogram.entries[2].layers.size(), 66u);
  EXPECT_EQ(winner(result, "lm_head"), "left_alone 3");
  ASSERT_EQ(result.problems.size(), 1u);
  EXPECT_EQ(result.problems[0].id, "unescaped-dot");
  EXPECT_EQ(result.problems[0].severity, Severity::warning);
  EXPECT_EQ(result.problems[0].place.line, 21);
  EXPECT_EQ(result.problems[0].place.column, 17);
}

TEST(TransformPlan, FirstMatchingRuleWins) {
  const TransformPlan result =
      plan("'.*q_proj': {q_levels: 16}\n'model.*': {q_levels: 8}\nlm_head: null");
  EXPECT_EQ(winner(result, "model.layers.1.self_attn.q_proj"), "transformed 0");
  EXPECT_EQ(winner(result, "model.layers.1.self_attn.k_proj"), "transformed 1");
  EXPECT_EQ(result.find("model.layers.1.self_attn.q_proj")->values.get_int("q_levels"), 16);
  EXPECT_EQ(result.find("model.layers.1.self_attn.q_proj")->trail, (std::vector<int>{0, 1}));
}

TEST(TransformPlan, DefaultIsTheFallbackWhereverItStands) {
  const TransformPlan result = plan("default: null\n'.*q_proj': {q_levels: 16}");
  EXPECT_EQ(winner(result, "model.layers.0.self_attn.q_proj"), "transformed 1");
  EXPECT_EQ(winner(result, "lm_head"), "left_alone 0");
  EXPECT_TRUE(result.find("lm_head")->trail.empty());
}

TEST(TransformPlan, FormatsLeftOpenAreTheComputeDtypeWhereItIsKnown) {
  const TransformConfig rules = config(
      "'.*q_proj': {x_p_frac: 0.25}\n'.*k_proj': {x_p_frac: 0.25, storage_dtype: fp32}\n'.*v_proj':"
      " {x_p_frac: 0.25, storage_dtype: fp32, semantics: reference}\ndefault: null");
  const auto planned = [&](const std::string& dtype) {
    return plan_transform(inventory(1), rules, infos(), dtype);
  };
  const auto storage = [&](const std::string& dtype, const std::string& projection) {
    const TransformPlan plan = planned(dtype);
    return to_string(
        plan.find("model.layers.0.self_attn." + projection)->values.get("storage_dtype"));
  };
  EXPECT_EQ(storage("", "q_proj"), "null");
  EXPECT_EQ(storage("bf16", "q_proj"), "bf16");
  EXPECT_EQ(storage("bf16", "k_proj"), "fp32");
  EXPECT_EQ(storage("bf16", "v_proj"), "bf16") << "reference semantics know no other";
  EXPECT_NE(transform_digest(planned("bf16")), transform_digest(planned("fp32")));

  const auto followed = followed_formats(planned("bf16"));
  ASSERT_EQ(followed.size(), 2u);
  EXPECT_EQ(followed[0].rule, 0);
  EXPECT_EQ(followed[0].parameter, "storage_dtype");
  EXPECT_EQ(followed[0].format, "bf16");
  EXPECT_EQ(followed[1].rule, 2);
  EXPECT_EQ(followed_formats(planned(""))[0].format, "");
  EXPECT_EQ(followed_formats_comment(planned("bf16"), rules),
            "\n# formats that follow the compute dtype\n#   .*q_proj: storage_dtype bf16\n"
            "#   .*v_proj: storage_dtype bf16\n");
}

TEST(TransformPlan, UnmatchedLayerIsAnErrorThatNamesIt) {
  const TransformPlan result = plan("'model.*': {q_levels: 8}");
  EXPECT_EQ(winner(result, "lm_head"), "unmatched -1");
  ASSERT_TRUE(has_errors(result.problems));
  EXPECT_EQ(result.problems[0].id, "unmatched-layer");
  EXPECT_NE(result.problems[0].message.find("`lm_head` matches no rule and there is no `default`"),
            std::string::npos);
}

TEST(TransformPlan, CandidatesAreTheKindsOfTheFilesParadigms) {
  EXPECT_EQ(winner(plan("'.*proj': {f_p: 0.5}\nlm_head: null"), "model.layers.0.self_attn"),
            "no candidate");
  EXPECT_EQ(winner(plan("'.*proj': {q_levels: 8}\ndefault: null"), "model.layers.0.self_attn"),
            "left_alone 1");
  EXPECT_EQ(plan("default: null").assignments.size(), 17u)
      << "an all-null file: attentions and Linears";
  EXPECT_EQ(winner(plan("default: null"), "model.norm"), "no candidate");
}

TEST(TransformPlan, KindsThatTheWinnersParadigmCannotReplaceStayPlain) {
  const std::string file = "'.*q_proj': {q_levels: 8}\n'.*': {f_p: 0.5}";
  const TransformPlan result = plan(file);
  EXPECT_EQ(winner(result, "model.layers.0.self_attn"), "kind_not_handled 1");
  EXPECT_EQ(winner(result, "lm_head"), "transformed 1");
  ASSERT_EQ(result.problems.size(), 2u);
  EXPECT_EQ(result.problems[1].id, "kind-not-handled");
  const TransformPlan by_default =
      plan("'.*q_proj': {q_levels: 8}\ndefault: {f_p: 0.5}\nlm_head: null");
  EXPECT_TRUE(by_default.problems.empty()) << "through default they simply stay plain";
}

TEST(TransformPlan, ContainersAndProjectionsAreLookedUpIndependently) {
  const TransformPlan result = plan("'.*self_attn': {q_levels: 8}\ndefault: null");
  EXPECT_EQ(winner(result, "model.layers.0.self_attn"), "transformed 0");
  EXPECT_EQ(winner(result, "model.layers.0.self_attn.q_proj"), "left_alone 1");
}

TEST(TransformPlan, WithoutRegexPatternsAreNames) {
  const TransformPlan result =
      plan_transform(inventory(1),
                     config("use_regex: false\nlayer_name_to_config: {'lm_head': {q_levels: 8}, "
                            "'.*': {q_levels: 4}, default: null}"),
                     infos());
  EXPECT_EQ(winner(result, "lm_head"), "transformed 0");
  EXPECT_EQ(winner(result, "model.layers.0.self_attn"), "left_alone 2");
  EXPECT_EQ(result.problems.at(0).id, "zero-matches");
}

TEST(TransformPlan, DefaultMatchesALayerOfThatName) {
  const LayerInventory odd({{.name = "default", .kind = LayerKind::linear, .shape = {1, 1}},
                            {.name = "x", .kind = LayerKind::linear, .shape = {1, 1}}});
  const TransformPlan result =
      plan_transform(odd, config("default: {q_levels: 8}\n'.*': null"), infos());
  EXPECT_EQ(winner(result, "default"), "transformed 0");
  EXPECT_EQ(winner(result, "x"), "left_alone 1");
}

TEST(TransformPlan, ReplacementsAreAttentionsFirstThenLinearsInModuleOrder) {
  const TransformPlan result = plan("'.*': {q_levels: 8}");
  std::vector<std::string> names;
  for (const Assignment* assignment : result.replacements()) names.push_back(assignment->layer);
  const std::string first = "model.layers.0.", second = "model.layers.1.";
  EXPECT_EQ(names,
            (std::vector<std::string>{
                first + "self_attn", second + "self_attn", first + "self_attn.q_proj",
                first + "self_attn.k_proj", first + "self_attn.v_proj", first + "self_attn.o_proj",
                first + "mlp.gate_proj", first + "mlp.up_proj", first + "mlp.down_proj",
                second + "self_attn.q_proj", second + "self_attn.k_proj",
                second + "self_attn.v_proj", second + "self_attn.o_proj", second + "mlp.gate_proj",
                second + "mlp.up_proj", second + "mlp.down_proj", "lm_head"}));
  EXPECT_EQ(result.histogram.entries.at(0).layers, names);
}

TEST(TransformPlan, CountsMatchedWonAndShadowed) {
  const TransformPlan result =
      plan("'.*q_proj': null\n'.*(q|k)_proj': null\n'.*self_attn.*': {q_levels: 8}\ndefault: null");
  EXPECT_EQ(result.counts[1].matched, 4);
  EXPECT_EQ(result.counts[1].won, 2);
  EXPECT_EQ(result.counts[1].shadowed, 2);
  EXPECT_EQ(result.counts[1].shadowed_by, std::vector<int>{0});
  EXPECT_EQ(result.counts[2].matched, 10);
  EXPECT_EQ(result.counts[2].won, 6);
  EXPECT_EQ(result.counts[2].shadowed_by, (std::vector<int>{0, 1}));
  EXPECT_EQ(result.counts[3].matched, 7);
  EXPECT_EQ(result.counts[3].won, 7);
}

TEST(TransformPlan, EffectiveValuesAreCompleteAndRequestedOnesAreKept) {
  const TransformPlan result = plan("'.*': {f_p: 1e-5}");
  EXPECT_EQ(result.find("lm_head")->requested.get_real("f_p"), 1e-5);
  EXPECT_EQ(result.find("lm_head")->values.get_real("f_p"), 0x1p-17);
  const TransformPlan optical = plan("'.*': {q_levels: 8}");
  EXPECT_EQ(optical.find("lm_head")->values.entries().size(),
            paradigm_infos()[0].schema.specs().size());
}

TEST(TransformPlan, DigestIsOfTheEffectNotTheSpelling) {
  const std::string digest = transform_digest(plan("'.*': {q_levels: 256}"));
  EXPECT_EQ(digest.size(), 64u);
  EXPECT_EQ(
      transform_digest(plan("default: {q_bypass: false, q_levels: 0x100, q_lut_min: 2.004e-2}")),
      digest);
  EXPECT_EQ(transform_digest(plan("lm_head: {q_levels: 256}\n'model.*': {q_levels: 256}")), digest);
  EXPECT_NE(transform_digest(plan("'.*': {q_levels: 255}")), digest);
  EXPECT_NE(transform_digest(plan("lm_head: null\n'.*': {q_levels: 256}")), digest);
  EXPECT_NE(transform_digest(plan("'.*': {q_levels: 256}", 3)), digest);
}

TEST(TransformPlan, BadPatternsAreLocatedAndOthersStillPlanned) {
  const TransformPlan result = plan("'model(': null\n'.*': {q_levels: 8}");
  ASSERT_EQ(result.problems.size(), 1u);
  EXPECT_EQ(result.problems[0].id, "bad-pattern");
  EXPECT_EQ(to_string(result.problems[0].place), "t.yaml:1:8");
  EXPECT_EQ(winner(result, "lm_head"), "transformed 1");
}

TEST(TransformPlan, CatastrophicPatternsAreProblemsWithinASecond) {
  const auto begin = std::chrono::steady_clock::now();
  const TransformPlan result = plan("'(.|..|...)*[!?]': null\ndefault: null", 32);
  EXPECT_EQ(result.problems.size(), 1u);
  EXPECT_EQ(result.problems.at(0).id, "bad-pattern");
  EXPECT_TRUE(has_errors(result.problems));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
}

TEST(TransformPlan, RulesWithMistakesDoNotStopThePlan) {
  const ParsedTransform parsed = parse_transform_config(
      "'.*q_proj': {paradigm: nonsense}\n'.*': {q_levels: 1}", "t.yaml", infos());
  ASSERT_EQ(parsed.problems.size(), 2u);
  const TransformPlan result = plan_transform(inventory(1), parsed.config, infos());
  EXPECT_EQ(winner(result, "model.layers.0.self_attn.q_proj"), "kind_not_handled 0");
  EXPECT_EQ(winner(result, "lm_head"), "transformed 1");
}

TEST(TransformPlan, TwentyPatternsOverAThousandLayersTakeAFewMilliseconds) {
  std::string rules;
  for (int i = 0; i < 19; ++i)
    rules += "'model\\.layers\\.[0-9]*" + std::to_string(i % 10) +
             "\\.(self_attn|mlp)\\.(q|k|v|o|gate|up|down)_proj" + (i > 9 ? "s?" : "") +
             "': {q_levels: 8}\n";
  const TransformConfig file = config(rules + "default: null");
  const LayerInventory large = inventory(130);
  const auto begin = std::chrono::steady_clock::now();
  const TransformPlan result = plan_transform(large, file, infos());
  const auto spent = std::chrono::steady_clock::now() - begin;
  EXPECT_EQ(result.assignments.size(), 1041u);
  RecordProperty(
      "microseconds",
      static_cast<int>(std::chrono::duration_cast<std::chrono::microseconds>(spent).count()));
  EXPECT_LT(spent, std::chrono::milliseconds(200));
}

/// A pattern that gives up on the name of any layer, differently written for each number.
std::string catastrophic(int number) {
  return "'(.|..|...)*[" + std::to_string(number % 10) + "!?]" +
         std::string(static_cast<std::size_t>(number / 10), '$') + "': null\n";
}

TEST(TransformPlan, AThousandRulesThatBacktrackWithoutEndTakeABoundedTime) {
  std::string rules;
  for (int i = 0; i < 1000; ++i) rules += catastrophic(i);
  const TransformConfig file = config(rules + "default: null");
  ASSERT_EQ(file.rules.size(), 1001u);
  const auto begin = std::chrono::steady_clock::now();
  const TransformPlan result = plan_transform(inventory(130), file, infos());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
  EXPECT_EQ(result.problems.size(), 1000u);
  for (const Problem& problem : result.problems) ASSERT_EQ(problem.id, "bad-pattern");
  EXPECT_NE(result.problems[0].message.find("backtracks without end"), std::string::npos);
  EXPECT_EQ(winner(result, "lm_head"), "left_alone 1000");
}

TEST(TransformPlan, SlowPatternsThatEndAreStillMatched) {
  // Some thousand steps on each name, which is more than a quick match takes.
  const std::string slow = ".*.*.*[!?]|lm_head";
  EXPECT_EQ(LayerPattern(slow, true).match_quickly("model.layers.0.self_attn.q_proj"),
            LayerPattern::Result::gave_up);
  const TransformPlan result = plan("'" + slow + "': null\ndefault: {q_levels: 4}\n");
  for (const Problem& problem : result.problems) EXPECT_NE(problem.id, "bad-pattern");
  EXPECT_EQ(winner(result, "lm_head"), "left_alone 0");
}

TEST(TransformPlan, AThousandRulesOverAThousandLayers) {
  std::string rules;
  for (int i = 0; i < 1000; ++i)
    rules += "'model\\.layers\\." + std::to_string(i % 130) + "\\.(self_attn|mlp)\\..*" +
             (i < 130 ? "" : "(?:" + std::to_string(i) + ")?") + "': {q_levels: 8}\n";
  const TransformPlan result =
      plan_transform(inventory(130), config(rules + "default: null"), infos());
  EXPECT_EQ(winner(result, "model.layers.129.mlp.up_proj"), "transformed 129");
  EXPECT_EQ(result.counts[129].won, 7);
  EXPECT_EQ(result.counts[130].shadowed, 7);
}

TEST(TransformPlan, StopsBetweenRulesWhenAsked) {
  std::string rules;
  for (int i = 0; i < 1000; ++i) rules += catastrophic(i);
  const TransformConfig file = config(rules + "default: null");
  std::stop_source stop;
  const auto begin = std::chrono::steady_clock::now();
  std::jthread asking([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    stop.request_stop();
  });
  EXPECT_FALSE(plan_transform(inventory(130), file, infos(), "", stop.get_token()));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  EXPECT_TRUE(
      plan_transform(inventory(2), config("default: null"), infos(), "", std::stop_token()));
}

}  // namespace
}  // namespace engine
