// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/problem_fixes.h"

#include "engine/model/llama_config.h"

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
       .schema = {probability("f_p", unset).nullable().snaps(Snap::power_of_two_probability),
                  boolean("f_on", true)}});
  return all;
}

LayerInventory inventory() {
  LlamaConfig llama;
  llama.hidden_size = 64;
  llama.intermediate_size = 128;
  llama.num_hidden_layers = 2;
  llama.num_attention_heads = llama.num_key_value_heads = 4;
  llama.head_dim = 16;
  llama.vocab_size = 256;
  return layer_inventory(llama);
}

struct Checked {
  ParsedTransform parsed;
  TransformPlan plan;
  std::vector<Problem> problems;
};

Checked check(const std::string& text) {
  Checked result{parse_transform_config(text, "t.yaml", infos()), {}, {}};
  result.plan = plan_transform(inventory(), result.parsed.config, infos());
  result.problems = result.parsed.problems;
  result.problems.insert(result.problems.end(), result.plan.problems.begin(),
                         result.plan.problems.end());
  return result;
}

std::string listed(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) text += to_string(problem) + "\n";
  return text;
}

/// Problems like this one, wherever they stand.
int count(const std::vector<Problem>& problems, const Problem& like) {
  return static_cast<int>(std::count_if(problems.begin(), problems.end(), [&](const Problem& each) {
    return each.id == like.id && each.value == like.value && each.message == like.message;
  }));
}

struct Fixed {
  std::vector<std::string> titles;
  std::vector<std::string> texts;  ///< after each fix
};

/// Fixes of the first problem with this id; each of them must remove that problem.
Fixed fixed(const std::string& text, const std::string& id) {
  const Checked before = check(text);
  const auto problem = std::find_if(before.problems.begin(), before.problems.end(),
                                    [&](const Problem& each) { return each.id == id; });
  EXPECT_NE(problem, before.problems.end()) << id << " is not among\n" << listed(before.problems);
  if (problem == before.problems.end()) return {};
  EXPECT_TRUE(has_fix(*problem)) << id;
  const std::vector<ParadigmInfo> all = infos();
  const LayerInventory layers = inventory();
  const TransformEditor editor(text, "t.yaml");
  Fixed result;
  for (const ProblemFix& fix :
       fixes_for(*problem, {editor, before.parsed.config, all, &before.plan, &layers})) {
    result.titles.push_back(fix.edit.title);
    if (fix.edit.empty()) {
      EXPECT_FALSE(fix.layers.empty());
      continue;
    }
    result.texts.push_back(apply_edit(text, fix.edit));
    const Checked after = check(result.texts.back());
    EXPECT_EQ(count(after.problems, *problem), 0) << fix.edit.title << "\n"
                                                  << result.texts.back() << listed(after.problems);
    for (const Problem& each : after.problems)
      EXPECT_NE(each.id, "bad-yaml") << result.texts.back();
    EXPECT_EQ(apply_edit(result.texts.back(), inverse_edit(text, fix.edit)), text);
  }
  EXPECT_FALSE(result.titles.empty()) << id;
  if (result.texts.empty()) result.texts.emplace_back();
  return result;
}

const char* const all_plain = "default: null\n";

TEST(ProblemFixes, UnmatchedLayers) {
  const Fixed one = fixed("'model.*': {q_levels: 8}\n", "unmatched-layer");
  EXPECT_EQ(one.titles, (std::vector<std::string>{"Leave lm_head alone", "Add default: null"}));
  EXPECT_EQ(one.texts[1], "'model.*': {q_levels: 8}\ndefault: null\n");
  EXPECT_EQ(fixed("'lm_head': {q_levels: 8}\n", "unmatched-layer").titles.size(), 1u);
}

TEST(ProblemFixes, DuplicateKeys) {
  EXPECT_EQ(fixed("'.*': {q_levels: 8}\n'.*': null\nlm_head: null\n", "duplicate-key").texts[0],
            "'.*': {q_levels: 8}\nlm_head: null\n");
  EXPECT_EQ(fixed("'.*':\n  q_levels: 8\n  q_levels: 9 # c\n", "duplicate-key").texts[0],
            "'.*':\n  q_levels: 8\n");
}

TEST(ProblemFixes, BadValues) {
  EXPECT_EQ(fixed("'.*': {q_level: 8}\n", "bad-value").titles[0],
            "Rename q_level to q_levels on rule 1");
  EXPECT_EQ(fixed("'.*': {q_levels: 8, q_lvls: 8}\n", "bad-value").texts.back(),
            "'.*': {q_levels: 8}\n");
  EXPECT_EQ(fixed("'.*': {q_levels: 1}\n", "bad-value").texts[0], "'.*': {q_levels: 256}\n");
  EXPECT_EQ(fixed("'.*': {q_levels: '8'}\n", "bad-value").titles[0], "Write 8 for q_levels");
  EXPECT_EQ(fixed("'.*': {q_levels: many}\n", "bad-value").texts[0], "'.*': {q_levels: 256}\n");
  EXPECT_EQ(
      fixed("layer_name_to_config:\n  '.*': {q_levels: 8}\n  lm_head: None # c\n", "bad-value")
          .texts[0],
      "layer_name_to_config:\n  '.*': {q_levels: 8}\n  lm_head: null # c\n");
  EXPECT_EQ(fixed("use_regx: true\nlayer_name_to_config:\n  '.*': null\n", "bad-value").texts[0],
            "use_regex: true\nlayer_name_to_config:\n  '.*': null\n");
  // A value that is shared is mended where it is written.
  EXPECT_EQ(fixed("a: &n {q_levels: 1}\n'.*':\n  <<: *n\n", "bad-value").texts[0],
            "a: &n {q_levels: 256}\n'.*':\n  <<: *n\n");
}

TEST(ProblemFixes, WordsOfYamlOneOne) {
  EXPECT_EQ(fixed("'.*': {q_bypass: yes}\n", "yaml-boolean").texts[0], "'.*': {q_bypass: true}\n");
  EXPECT_EQ(
      fixed("use_regex: off\nlayer_name_to_config: {default: null}\n", "yaml-boolean").texts[0],
      "use_regex: false\nlayer_name_to_config: {default: null}\n");
}

TEST(ProblemFixes, Paradigms) {
  EXPECT_EQ(fixed("'.*': {}\n", "no-paradigm").titles.size(), infos().size());
  const Fixed stats = fixed("'.*': {storage_dtype: bf16}\n", "no-paradigm");
  EXPECT_EQ(stats.texts[0], "'.*': {paradigm: random_bitflip, storage_dtype: bf16}\n");
  EXPECT_EQ(fixed("'.*': {paradigm: optical_transfomer}\n", "unknown-paradigm").texts[0],
            "'.*': {paradigm: optical_transformer}\n");
  EXPECT_EQ(fixed("paradigm: nobody\nlayer_name_to_config: {'.*': {}}\n", "unknown-paradigm")
                .titles.size(),
            infos().size());
}

TEST(ProblemFixes, PatternsThatMatchNothing) {
  const Fixed respelt =
      fixed("'model\\.layers\\.\\d+\\.self_atn\\.(q|k)_proj': {q_levels: 8}\ndefault: null\n",
            "zero-matches");
  EXPECT_EQ(respelt.titles[0], "Write model\\.layers\\.\\d+\\.self_attn\\.(q|k)_proj (4 layers)");
  EXPECT_EQ(respelt.titles.back(), "Delete rule 1");
  EXPECT_EQ(fixed("'.*\\.mpl\\.up_prj': null\ndefault: null\n", "zero-matches").titles[0],
            "Write .*\\.mlp\\.up_proj (2 layers)");
  EXPECT_EQ(fixed("lmhead: null\ndefault: null\n", "zero-matches").titles[0],
            "Write lm_head (1 layer)");
}

TEST(ProblemFixes, TorchtitanNames) {
  const Fixed words =
      fixed("'layers\\.[0-9]+\\.attention\\.(wq|wk)': null\ndefault: null\n", "other-naming");
  EXPECT_EQ(words.titles[0], "Write model\\.layers\\.[0-9]+\\.self_attn\\.(q_proj|k_proj)");
  const Fixed shaped =
      fixed("'layers\\.\\d+\\.feed_forward\\.w[123]': {q_levels: 8}\noutput: null\ndefault: null\n",
            "other-naming");
  EXPECT_EQ(shaped.titles[0], "Write .*\\.mlp\\..*");
}

TEST(ProblemFixes, ShadowedRules) {
  const Fixed moved =
      fixed("'.*': {q_levels: 8}\n'.*q_proj': {q_levels: 4}\nlm_head: null\n", "shadowed");
  EXPECT_EQ(moved.titles[0], "Move rule 2 above rule 1");
  EXPECT_EQ(moved.titles[1], "Delete rule 2");
  const Fixed partly =
      fixed("'.*0.*': {q_levels: 8}\n'.*_proj': {q_levels: 4}\ndefault: null\n", "partly-shadowed");
  EXPECT_EQ(partly.titles[0], "Show the 7 layers");
  EXPECT_EQ(partly.titles[1], "Move rule 2 above rule 1");
}

TEST(ProblemFixes, BareDots) {
  EXPECT_EQ(
      fixed("'model\\.layers.[0-9]+.mlp\\..*': {q_levels: 8}\ndefault: null\n", "unescaped-dot")
          .texts[0],
      "'model\\.layers\\.[0-9]+\\.mlp\\..*': {q_levels: 8}\ndefault: null\n");
}

TEST(ProblemFixes, ContainersWithoutTheirProjections) {
  const Fixed added = fixed("'.*self_attn': {q_levels: 8}\ndefault: null\n", "container-only");
  EXPECT_EQ(added.titles[0], "Add a rule with the same values for 8 projections");
  EXPECT_EQ(added.texts[0],
            "'.*self_attn': {q_levels: 8}\n'.*\\.[qkvo]_proj':\n  q_levels: 8\ndefault: null\n");
  EXPECT_EQ(added.titles[1], "Add a rule that leaves 8 projections alone");
}

TEST(ProblemFixes, TheHeadUnderTheFallback) {
  EXPECT_EQ(fixed("default: {q_levels: 8}\n", "head-exposed").texts[0],
            "'lm_head': null\ndefault: {q_levels: 8}\n");
  EXPECT_EQ(fixed("'a': null\ndefault: {q_levels: 8}\n", "head-exposed").texts[0],
            "'a': null\n'lm_head': null\ndefault: {q_levels: 8}\n");
}

TEST(ProblemFixes, KindsThatAParadigmCannotReplace) {
  const Fixed kinds =
      fixed("'.*0\\.self_attn.*': {f_p: 0.25}\n'.*q_proj': {q_levels: 8}\ndefault: null\n",
            "kind-not-handled");
  EXPECT_EQ(kinds.titles[0], "Restrict the pattern to the other 4 layers");
  EXPECT_EQ(kinds.titles[1], "Add a rule above that leaves 1 layer alone");
}

TEST(ProblemFixes, PatternsThatPythonReadsDifferently) {
  EXPECT_EQ(
      fixed("'model\\.layers\\.[0-9]{,3}\\..*': {q_levels: 8}\ndefault: null\n", "not-portable")
          .titles[0],
      "Write model\\.layers\\.[0-9]{0,3}\\..*, as Python reads it");
  EXPECT_EQ(fixed("'(?<n>.*)_proj': {q_levels: 8}\ndefault: null\n", "not-portable").texts[0],
            "'(?P<n>.*)_proj': {q_levels: 8}\ndefault: null\n");
  EXPECT_EQ(
      fixed("'model.*[[:digit:]].*': {q_levels: 8}\ndefault: null\n", "not-portable").texts[0],
      "'model.*[0-9].*': {q_levels: 8}\ndefault: null\n");
}

TEST(ProblemFixes, SnappedValues) {
  EXPECT_EQ(fixed("'.*': {f_p: 0.3}\n", "snapped").texts[0], "'.*': {f_p: 0.25}\n");
  EXPECT_EQ(fixed("'.*': {x_p_exp: 1.0e-05}\n", "snapped").texts[0],
            "'.*': {x_p_exp: 7.62939453125e-06}\n");
  const Fixed schedule =
      fixed("'.*':\n  x_p_exp: {from: 0.001, to: 0.0001, steps: 10}\n", "snapped");
  EXPECT_NE(schedule.texts[0].find("from: 0.0009765625"), std::string::npos) << schedule.texts[0];
}

TEST(ProblemFixes, ValuesWithoutEffect) {
  EXPECT_EQ(
      fixed("default: {x_p_frac: 0.25, storage_dtype: bf16, semantics: reference}\nlm_head: null\n",
            "ignored")
          .texts[0],
      "default: {x_p_frac: 0.25, semantics: reference}\nlm_head: null\n");
}

TEST(ProblemFixes, ReservedNames) {
  EXPECT_EQ(fixed("total: {q_levels: 8}\ndefault: null\n", "reserved-name").texts[0],
            "'tota[l]': {q_levels: 8}\ndefault: null\n");
}

TEST(ProblemFixes, ProblemsOfTheTextNeedNoCheckpoint) {
  const std::string text = "'.*': {q_level: 8}\n";
  const ParsedTransform parsed = parse_transform_config(text, "t.yaml", infos());
  const std::vector<ParadigmInfo> all = infos();
  const TransformEditor editor(text, "t.yaml");
  EXPECT_FALSE(fixes_for(parsed.problems.at(0), {editor, parsed.config, all}).empty());
  Problem shadowed;
  shadowed.id = "shadowed";
  shadowed.place = {"t.yaml", 1, 1};
  EXPECT_TRUE(fixes_for(shadowed, {editor, parsed.config, all}).empty());
  shadowed.id = "bad-yaml";
  EXPECT_FALSE(has_fix(shadowed));
}

}  // namespace
}  // namespace engine
