// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/transform_lints.h"

#include "engine/model/llama_config.h"
#include "engine/transform/pattern_lints.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace engine {
namespace {

std::vector<ParadigmInfo> infos() {
  std::vector<ParadigmInfo> all = paradigm_infos();
  all.push_back(
      {.id = "flip",
       .title = "Flip",
       .summary = "",
       .key_prefixes = {"f_"},
       .targets = {LayerKind::linear},
       .schema = {probability("f_p", unset).nullable().snaps(Snap::power_of_two_probability)}});
  return all;
}

std::vector<Problem> lints(const std::string& rules, bool tied = false) {
  LlamaConfig llama;
  llama.hidden_size = 64;
  llama.intermediate_size = 128;
  llama.num_hidden_layers = 2;
  llama.num_attention_heads = llama.num_key_value_heads = 4;
  llama.head_dim = 16;
  llama.vocab_size = 256;
  llama.tie_word_embeddings = tied;
  const ParsedTransform parsed = parse_transform_config(rules, "t.yaml", infos());
  EXPECT_TRUE(parsed.problems.empty()) << to_string(parsed.problems.at(0));
  return plan_transform(layer_inventory(llama), parsed.config, infos()).problems;
}

/// "id:line:column", joined by spaces.
std::string ids(const std::string& rules, bool tied = false) {
  std::string text;
  for (const Problem& problem : lints(rules, tied))
    text += (text.empty() ? "" : " ") + problem.id + ":" + std::to_string(problem.place.line) +
            ":" + std::to_string(problem.place.column);
  return text;
}

TEST(TransformLints, CleanFilesRaiseNothing) {
  EXPECT_EQ(ids("'model\\.layers\\.[0-9]+\\.self_attn': {q_levels: 8}\n'model\\..*proj': "
                "{q_levels: 8}\nlm_head: null"),
            "");
  EXPECT_EQ(ids("default: null"), "");
}

TEST(TransformLints, AValueWithoutEffectBesideTheOthersIsAWarning) {
  const std::vector<Problem> problems = lints(
      "default: {x_p_frac: 0.25,\n  storage_dtype: bf16, semantics: reference}\nlm_head: null");
  const auto ignored = std::find_if(problems.begin(), problems.end(),
                                    [](const Problem& problem) { return problem.id == "ignored"; });
  ASSERT_NE(ignored, problems.end());
  EXPECT_EQ(ignored->severity, Severity::warning);
  EXPECT_EQ(ignored->place.line, 2);
  EXPECT_NE(ignored->message.find("storage_dtype bf16 has no effect"), std::string::npos);
  for (const Problem& problem :
       lints("default: {x_p_frac: 0.25, storage_dtype: bf16}\nlm_head: null"))
    EXPECT_NE(problem.id, "ignored");
}

TEST(TransformLints, ZeroMatchesOffersTheNearestLayer) {
  const std::vector<Problem> problems =
      lints("'model\\.layers\\.\\d+\\.self_atn\\.(q|k)_proj': {q_levels: 8}\ndefault: null");
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].id, "zero-matches");
  EXPECT_EQ(problems[0].severity, Severity::warning);
  EXPECT_NE(problems[0].message.find("matches none of 17 layers"), std::string::npos)
      << problems[0].message;
  EXPECT_NE(problems[0].remedy.find("model.layers.0.self_attn.q_proj"), std::string::npos)
      << problems[0].remedy;
  EXPECT_EQ(ids("'model\\.norm': null\ndefault: null"), "zero-matches:1:1");
}

TEST(TransformLints, TorchtitanNamesAreRecognised) {
  const std::vector<Problem> problems =
      lints("'layers\\.[0-9]+\\.attention\\.wq': {q_levels: 8}\n'output': null\ndefault: null");
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(problems[0].id, "other-naming");
  EXPECT_EQ(problems[1].id, "other-naming");
}

TEST(TransformLints, ShadowedRulesNameWhoTookTheirLayers) {
  const std::vector<Problem> problems = lints(
      "'.*self_attn.*': {q_levels: 8}\n'.*mlp.*': {q_levels: 8}\n'model\\..*proj': {q_levels: "
      "4}\nlm_head: null");
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].id, "shadowed");
  EXPECT_EQ(problems[0].message,
            "rule 3 is never reached: rules 1 and 2 take all 14 layers that it matches");
}

TEST(TransformLints, PartlyShadowedIsANote) {
  const std::vector<Problem> problems = lints("'.*q_proj': {q_levels: 8}\n'.*': {q_levels: 4}");
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].id, "partly-shadowed");
  EXPECT_EQ(problems[0].severity, Severity::note);
  EXPECT_EQ(problems[0].message, "2 of the 17 layers that rule 2 matches are taken by rule 1");
}

TEST(TransformLints, ContainerOnlyWhenNoRuleOfTheirOwnDecidesOnTheProjections) {
  EXPECT_EQ(ids("'.*self_attn': {q_levels: 8}\ndefault: null"), "container-only:1:1");
  EXPECT_EQ(ids("'.*self_attn': {q_levels: 8}\n'.*proj': null\nlm_head: null"), "");
  EXPECT_EQ(ids("'.*self_attn': {q_levels: 8}\nlm_head: null\ndefault: {q_levels: 8}"), "");
}

TEST(TransformLints, HeadExposedThroughDefaultOnly) {
  EXPECT_EQ(ids("default: {q_levels: 8}"), "head-exposed:1:1");
  EXPECT_EQ(ids("'.*': {q_levels: 8}"), "");
  EXPECT_EQ(ids("default: {q_levels: 8}\nlm_head: null"), "");
}

TEST(TransformLints, TiedHeadSaysThatTheLookupStaysExact) {
  EXPECT_EQ(ids("'.*': {q_levels: 8}", true), "tied-head:1:1");
  EXPECT_EQ(ids("lm_head: null\n'.*': {q_levels: 8}", true), "partly-shadowed:2:1");
}

TEST(TransformLints, SnappedShowsWhatTakesEffect) {
  const std::vector<Problem> problems = lints("'.*': {f_p: 1e-5}");
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].id, "snapped");
  EXPECT_NE(problems[0].message.find("2^-17"), std::string::npos);
  EXPECT_EQ(problems[0].place.column, 13);
  EXPECT_EQ(ids("'.*': {f_p: 0.25}"), "");
}

TEST(TransformLints, ASnappedScheduleShowsBothEnds) {
  const std::vector<Problem> problems = lints("'.*': {f_p: {from: 1e-3, to: 1e-5, steps: 20}}");
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(problems[0].id, "snapped");
  EXPECT_EQ(problems[0].severity, Severity::note);
  EXPECT_EQ(problems[0].message,
            "f_p 0.001 → 1.0e-05 over 20 steps, linear; takes effect as 2^-10 → 2^-17, a power of "
            "two at every step");
  EXPECT_EQ(problems[0].remedy, "Write from: 0.0009765625 and to: 7.62939453125e-06");
  EXPECT_EQ(problems[1].id, "not-portable");
  EXPECT_NE(problems[1].message.find("the schedule of `f_p` is ours"), std::string::npos);
  EXPECT_EQ(ids("'.*': {f_p: {from: 0.25, to: 0.5, steps: 20}}"), "not-portable:1:13");
}

TEST(TransformLints, KeysOfOursAreNotPortable) {
  EXPECT_EQ(ids("'.*': {q_levels: 8, noise: false, ste: clip}"), "not-portable:1:28");
  EXPECT_EQ(ids("a: &a {q_levels: 8, noise: false}\n'.*': {<<: *a}"),
            "zero-matches:1:1 not-portable:1:28");
}

TEST(TransformLints, ReservedName) {
  EXPECT_EQ(ids("total: null\ndefault: null"), "reserved-name:1:1 zero-matches:1:1");
}

TEST(TransformLints, UnmatchedLayersAreCountedInOneProblem) {
  const std::vector<Problem> problems = lints("'.*q_proj': {q_levels: 8}");
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].id, "unmatched-layer");
  EXPECT_NE(problems[0].message.find("and 10 more layers"), std::string::npos)
      << problems[0].message;
}

TEST(PatternLints, BareDots) {
  using Offsets = std::vector<std::size_t>;
  EXPECT_EQ(bare_dots("model.norm"), Offsets{5});
  EXPECT_EQ(bare_dots("a\\.b.*c.+d.?e.{2}f.{,2}"), Offsets{});
  EXPECT_EQ(bare_dots("[.]\\.[^.]+"), Offsets{});
  EXPECT_EQ(bare_dots("[]a.].b"), Offsets{5});
  EXPECT_EQ(bare_dots("a.b.c"), (Offsets{1, 3}));
  EXPECT_EQ(bare_dots("a.{b}"), Offsets{1});
  EXPECT_EQ(bare_dots("."), Offsets{0});
  EXPECT_EQ(bare_dots("[unclosed."), Offsets{});
  EXPECT_EQ(bare_dots("\\"), Offsets{});
}

TEST(PatternLints, ConstructsThatPythonReadsDifferently) {
  for (const char* pattern :
       {"a{,3}", "\\h", "\\R", "\\X", "\\K", "\\Qa.b\\E", "(?R)", "(?1)", "(?&n)", "(?P>n)",
        "(?|a|b)", "[[:alpha:]]", "a(?i)b", "(?<n>a)", "(?'n'a)", "(*ACCEPT)", "\\N", "\\v"})
    EXPECT_TRUE(not_portable(pattern)) << pattern;
  for (const char* pattern :
       {"a{1,3}", "a{b,}", "(?i)a", "(?P<n>a)(?P=n)", "(?<=a)b", "(?<!a)b", "(?:a)", "(?=a)",
        "(?!a)", "\\d\\.\\w\\Z", "[a{,3}]", "\\{,3}", "(?-i:a)", "\\x41\\u00e9"})
    EXPECT_FALSE(not_portable(pattern)) << pattern;
  EXPECT_EQ(not_portable("ab{,3}")->offset, 2u);
}

TEST(TransformLints, NotPortablePatternsAreWarnings) {
  const std::vector<Problem> problems = lints("'(lm_head|[[:alpha:]]x)': null\ndefault: null");
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].id, "not-portable");
  EXPECT_EQ(problems[0].severity, Severity::warning);
  EXPECT_EQ(problems[0].place.column, 11);
}

}  // namespace
}  // namespace engine
