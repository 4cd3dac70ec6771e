// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/paradigm_info.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

const ParadigmInfo& optical() {
  static const std::vector<ParadigmInfo> all = paradigm_infos();
  return *find_paradigm(all, "optical_transformer");
}

TEST(OpticalTransformerSchema, IsBuiltInAndReplacesLinearsAndAttentions) {
  EXPECT_TRUE(optical().handles(LayerKind::linear));
  EXPECT_TRUE(optical().handles(LayerKind::attention));
  EXPECT_FALSE(optical().handles(LayerKind::norm));
  EXPECT_FALSE(optical().handles(LayerKind::embedding));
  EXPECT_EQ(optical().key_prefixes, std::vector<std::string>{"q_"});
}

TEST(OpticalTransformerSchema, DefaultsAndRangesAreTheSpecifications) {
  struct Row {
    const char* name;
    const char* default_text;
    const char* range;
    bool nullable;
    bool upstream;
  };
  const std::vector<Row> table{
      {"q_levels", "256", "[2, 65536]", false, true},
      {"q_lut_min", "0.02004", "[0, 1)", true, true},
      {"q_quantiles", "null", "(0, 1)", true, true},
      {"q_smooth_factor", "0.9", "[0, 1)", false, true},
      {"q_init_seed", "0", "[0, inf)", false, true},
      {"q_bypass", "false", "", false, true},
      {"ste", "pass", "one of pass, clip", false, false},
      {"stats", "current", "one of current, delayed", false, false},
      {"stats_scope", "causal", "one of causal, full", false, false},
      {"mode", "track", "one of track, freeze, calibrate", false, false},
      {"calibrate_batches", "8", "[1, 10000]", false, false},
      {"noise", "true", "", false, false},
      {"semantics", "intended", "one of intended, reference", false, false}};
  ASSERT_EQ(optical().schema.specs().size(), table.size());
  for (std::size_t i = 0; i < table.size(); ++i) {
    const ParamSpec& spec = optical().schema.specs()[i];
    EXPECT_EQ(spec.name, table[i].name);
    EXPECT_EQ(to_string(spec.default_value), table[i].default_text) << spec.name;
    EXPECT_EQ(allowed_range(spec), table[i].range) << spec.name;
    EXPECT_EQ(spec.is_nullable, table[i].nullable) << spec.name;
    EXPECT_EQ(spec.is_upstream, table[i].upstream) << spec.name;
    EXPECT_FALSE(spec.help_text.empty()) << spec.name;
    EXPECT_FALSE(spec.label_text.empty()) << spec.name;
  }
  EXPECT_TRUE(problems_in(optical().schema, optical().schema.with_defaults({})).empty());
}

TEST(OpticalTransformerSchema, OmittedQuantilesOfAReferenceLinearAreUpstreams) {
  const auto quantiles = [](const char* semantics, LayerKind kind, bool is_given) {
    ParamValues given;
    given.set("semantics", std::string(semantics));
    if (is_given) given.set("q_quantiles", unset);
    return optical().effective_values(given, kind).get_optional_pair("q_quantiles");
  };
  EXPECT_EQ(quantiles("reference", LayerKind::linear, false), RealPair(0.001, 0.999));
  EXPECT_FALSE(quantiles("reference", LayerKind::linear, true));  // null is an answer
  EXPECT_FALSE(quantiles("reference", LayerKind::attention, false));
  EXPECT_FALSE(quantiles("intended", LayerKind::linear, false));
}

}  // namespace
}  // namespace engine
