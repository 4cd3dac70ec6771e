// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/paradigm_info.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

const ParadigmInfo& bitflip() {
  static const std::vector<ParadigmInfo> all = paradigm_infos();
  return *find_paradigm(all, "random_bitflip");
}

TEST(RandomBitflipSchema, ReplacesLinearsAlone) {
  EXPECT_TRUE(bitflip().handles(LayerKind::linear));
  EXPECT_FALSE(bitflip().handles(LayerKind::attention));
  EXPECT_EQ(bitflip().key_prefixes, (std::vector<std::string>{"x_p_", "w_p_"}));
}

TEST(RandomBitflipSchema, DefaultsAreTheSpecifications) {
  const std::pair<const char*, const char*> table[] = {
      {"x_p_exp", "null"},     {"x_p_frac", "null"},      {"x_zero_out_t", "null"},
      {"x_seed_exp", "0"},     {"x_seed_frac", "0"},      {"w_p_exp", "null"},
      {"w_p_frac", "null"},    {"w_zero_out_t", "null"},  {"w_seed_exp", "0"},
      {"w_seed_frac", "0"},    {"storage_dtype", "null"}, {"zero_out_scope", "all"},
      {"w_redraw", "forward"}, {"semantics", "intended"}};
  ASSERT_EQ(bitflip().schema.specs().size(), std::size(table));
  for (std::size_t i = 0; i < std::size(table); ++i) {
    const ParamSpec& spec = bitflip().schema.specs()[i];
    EXPECT_EQ(spec.name, table[i].first);
    EXPECT_EQ(to_string(spec.default_value), table[i].second) << spec.name;
    EXPECT_EQ(spec.is_upstream, i < 10) << spec.name;
    EXPECT_EQ(spec.is_nullable, i < 11 && std::string(table[i].second) == "null") << spec.name;
  }
}

TEST(RandomBitflipSchema, ProbabilitiesSnapDownToPowersOfTwo) {
  ParamValues values;
  values.set("x_p_exp", 1e-5);
  values.set("w_p_frac", 0.75);
  const ParamValues effective = bitflip().schema.effective(values);
  EXPECT_EQ(effective.get_real("x_p_exp"), 0x1p-17);
  EXPECT_EQ(effective.get_real("w_p_frac"), 0.5);
}

TEST(RandomBitflipSchema, ProbabilitiesOutOfRangeAreErrors) {
  for (const double p : {0.0, 1.0, -0.5, 0x1p-25, 2.0}) {
    ParamValues values;
    values.set("w_p_exp", p);
    EXPECT_TRUE(has_errors(problems_in(bitflip().schema, values))) << p;
  }
  for (const double p : {0.0, 1.0, 0x1p-25}) {
    for (const ParamSchedule& schedule :
         {ParamSchedule{.from = p, .to = 0.25, .steps = 9}, {.from = 0.25, .to = p, .steps = 9}}) {
      ParamValues values;
      values.set("w_p_exp", schedule);
      EXPECT_TRUE(has_errors(problems_in(bitflip().schema, values))) << p;
    }
  }
  ParamValues least;
  least.set("w_p_exp", 0x1p-24);
  EXPECT_TRUE(problems_in(bitflip().schema, least).empty());
}

}  // namespace
}  // namespace engine
