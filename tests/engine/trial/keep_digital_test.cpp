// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/trial/keep_digital.h"

#include "engine/model/llama_config.h"
#include "tests/support/tiny_llama.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace engine {
namespace {

struct Planned {
  ParsedTransform parsed;
  TransformPlan plan;
};

Planned planned(const std::string& text) {
  const auto infos = paradigm_infos();
  Planned result;
  result.parsed = parse_transform_config(text, "t.yaml", infos);
  EXPECT_FALSE(has_errors(result.parsed.problems));
  const auto config = parse_llama_config(tests::tiny_llama_config(), "config.json");
  result.plan = plan_transform(layer_inventory(config), result.parsed.config, infos, "fp32");
  return result;
}

void expect_only_these_left_alone(const std::string& text, const std::vector<std::string>& layers) {
  const Planned before = planned(text);
  const EditResult edit =
      keep_digital(text, "t.yaml", layers, before.plan, before.parsed.config.use_regex);
  ASSERT_TRUE(edit.ok()) << edit.refusals.front().message;
  const std::string edited = apply_edit(text, edit.edit);
  const Planned after = planned(edited);
  for (const Assignment& was : before.plan.assignments) {
    const Assignment& is = *after.plan.find(was.layer);
    const bool kept = std::find(layers.begin(), layers.end(), was.layer) != layers.end();
    EXPECT_EQ(is.outcome, kept ? Outcome::left_alone : was.outcome) << was.layer << "\n" << edited;
    if (!kept) {
      EXPECT_TRUE(is.values.same_values(was.values)) << was.layer;
    }
  }
  EXPECT_EQ(apply_edit(edited, inverse_edit(text, edit.edit)), text);
}

constexpr const char* kCommented = R"(# levels of the converter
layer_name_to_config:
  model\.layers\.[0-9]+\.self_attn: &all {q_levels: 16}  # matmuls
  default: *all
)";

TEST(KeepDigital, LeavesTheseLayersAloneAndNothingElse) {
  expect_only_these_left_alone(kCommented, {"lm_head"});
  expect_only_these_left_alone(kCommented, {"model.layers.0.mlp.down_proj", "lm_head"});
  expect_only_these_left_alone(kCommented,
                               {"model.layers.0.self_attn", "model.layers.1.self_attn.q_proj",
                                "model.layers.1.mlp.up_proj"});
}

TEST(KeepDigital, WritesARuleForEachNameWhereThereAreNoExpressions) {
  expect_only_these_left_alone(
      "use_regex: false\nlayer_name_to_config:\n  lm_head: {q_levels: 16}\n"
      "  model.layers.0.mlp.up_proj: {q_levels: 16}\n  model.layers.1.mlp.up_proj: {q_levels: 4}\n"
      "  default: null\n",
      {"model.layers.0.mlp.up_proj", "lm_head"});
}

TEST(KeepDigital, TakesARuleOfTheSamePatternForIt) {
  expect_only_these_left_alone(
      "layer_name_to_config:\n  model\\.layers\\.0\\..*: {q_levels: 8}\n"
      "  model\\.layers\\.0\\.mlp\\.up_proj: {q_levels: 16}  # never reached\n"
      "  default: {q_levels: 4}\n",
      {"model.layers.0.mlp.up_proj"});
}

TEST(KeepDigital, IsOneStepWithAName) {
  const Planned before = planned(kCommented);
  const EditResult edit = keep_digital(kCommented, "t.yaml", {"lm_head"}, before.plan, true);
  EXPECT_EQ(edit.edit.title, "Keep lm_head digital");
  EXPECT_FALSE(keep_digital(kCommented, "t.yaml", {}, before.plan, true).ok());
}

}  // namespace
}  // namespace engine
