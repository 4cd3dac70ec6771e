// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/trial/scan_entries.h"

#include "engine/model/llama_config.h"
#include "tests/support/tiny_llama.h"

#include <gtest/gtest.h>

#include <cmath>

namespace engine {
namespace {

ScanEntry entry(const std::string& name, double cost, double error, double flops) {
  ScanEntry result;
  result.name = name;
  result.layers = {name};
  result.flops_share = flops;
  result.one_off = {cost, cost - error, cost + error};
  return result;
}

LayerInventory inventory() {
  return layer_inventory(parse_llama_config(tests::tiny_llama_config(), "config.json"));
}

TransformPlan plan_of(const std::string& rules) {
  const auto infos = paradigm_infos();
  const auto parsed = parse_transform_config("layer_name_to_config:\n" + rules, "t.yaml", infos);
  EXPECT_TRUE(parsed.problems.empty());
  return plan_transform(inventory(), parsed.config, infos, "fp32");
}

TEST(ScanEntries, KindsComeFirstAndALoneLayerIsNoKind) {
  const TransformPlan plan = plan_of(
      "  model\\.layers\\.[0-9]+\\.mlp\\.(up|down)_proj: {q_levels: 16}\n"
      "  lm_head: {q_levels: 16}\n  default: null\n");
  const auto entries = scan_entries(inventory(), plan, {}, 64);
  std::vector<std::string> names;
  for (const auto& one : entries) names.push_back(one.name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"mlp.up_proj", "mlp.down_proj", "model.layers.0.mlp.up_proj",
                                      "model.layers.0.mlp.down_proj", "model.layers.1.mlp.up_proj",
                                      "model.layers.1.mlp.down_proj", "lm_head"}));
  EXPECT_EQ(entries[0].layers.size(), 2u);
  EXPECT_DOUBLE_EQ(entries[0].flops_share, 2 * entries[2].flops_share);
}

TEST(ScanEntries, SharesAreOfAllThatAPassComputes) {
  const TransformPlan plan = plan_of("  default: {q_levels: 16}\n");
  ScanOptions options;
  options.kinds = false;
  double sum = 0;
  for (const auto& one : scan_entries(inventory(), plan, options, 64)) sum += one.flops_share;
  double targets = 0;
  double all = 0;
  const LayerInventory all_layers = inventory();
  for (const auto& layer : all_layers.layers()) {
    const double flops = forward_flops_per_token(layer, 64);
    all += flops;
    if (plan.find(layer.name) != nullptr) targets += flops;
  }
  EXPECT_LT(targets, all) << "norms compute too";
  EXPECT_NEAR(sum, targets / all, 1e-12);
}

TEST(ScanEntries, TheMostFragileComesFirstAndTheUnknownLast) {
  ScanEntry unknown;
  unknown.name = "unknown";
  ScanEntry broken = entry("broken", NAN, NAN, 0.1);
  broken.diverges = true;
  ScanEntry alone = entry("alone", 0.0, 0.1, 0.1);
  alone.one_on = {0.7, 0.6, 0.8};
  const auto found = ranked({unknown, entry("a", 0.1, 0.01, 0.1), entry("b", 0.5, 0.1, 0.1), broken,
                             alone, entry("gain", -0.2, 0.1, 0.1)});
  std::vector<std::string> names;
  for (const auto& one : found) names.push_back(one.name);
  EXPECT_EQ(names, (std::vector<std::string>{"broken", "alone", "b", "a", "gain", "unknown"}));
}

TEST(LayersToKeep, AreTheCostliestThatFitTheBudget) {
  const std::vector<ScanEntry> entries = {
      entry("small", 0.02, 0.001, 0.01), entry("large", 0.5, 0.01, 0.03),
      entry("wide", 0.4, 0.01, 0.20), entry("middle", 0.1, 0.01, 0.04)};
  EXPECT_EQ(layers_to_keep(entries, 0.10), (std::vector<std::string>{"small", "large", "middle"}));
  EXPECT_EQ(layers_to_keep(entries, 0.03), (std::vector<std::string>{"large"}));
  // Nine tenths are won by the two largest and the third.
  EXPECT_EQ(layers_to_keep(entries, 1), (std::vector<std::string>{"large", "wide", "middle"}));
}

TEST(LayersToKeep, AreNoneThatNoiseCouldExplain) {
  EXPECT_TRUE(layers_to_keep({entry("a", 0.1, 0.2, 0.01), entry("b", -0.3, 0.1, 0.01)}, 1).empty());
  ScanEntry broken = entry("c", NAN, NAN, 0.01);
  broken.diverges = true;
  EXPECT_EQ(layers_to_keep({entry("a", 0.1, 0.2, 0.01), broken}, 1),
            (std::vector<std::string>{"c"}));
}

}  // namespace
}  // namespace engine
