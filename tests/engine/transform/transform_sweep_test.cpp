// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/transform_sweep.h"

#include "engine/error.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

/// Two paradigms that share a parameter, so that every rule of both hears of it.
std::vector<ParadigmInfo> infos() {
  ParadigmInfo levels{.id = "levels",
                      .title = "",
                      .summary = "",
                      .key_prefixes = {"q_"},
                      .targets = {LayerKind::linear},
                      .schema = {integer("q_levels", 256).range(2, 65536), boolean("noise", true),
                                 real_pair("q_quantiles", unset).range(0, 1).nullable(),
                                 integer("q_init_seed", 7).range(0, 1e18),
                                 choice("semantics", {"intended", "reference"})}};
  ParadigmInfo flips{
      .id = "flips",
      .title = "",
      .summary = "",
      .key_prefixes = {"f_"},
      .targets = {LayerKind::linear},
      .schema = {probability("f_p", unset).nullable().snaps(Snap::power_of_two_probability),
                 boolean("noise", true)}};
  return {flips, levels};
}

TransformConfig config(const std::string& rules) {
  const ParsedTransform parsed = parse_transform_config(
      "layer_name_to_config:\n" + rules + "  default: null\n", "rules.yaml", infos());
  EXPECT_TRUE(parsed.problems.empty()) << to_string(parsed.problems.at(0));
  return parsed.config;
}

TransformConfig mixed() {
  return config("  a: {q_levels: 256}\n  b: {f_p: 0.5}\n  c: {q_levels: 16, noise: false}\n");
}

std::vector<SweepPoint> points(const TransformConfig& base, const std::vector<std::string>& texts) {
  std::vector<SweepAxis> axes;
  for (const std::string& text : texts) axes.push_back(parse_sweep_axis(text));
  return sweep_points(base, axes, infos());
}

std::vector<Problem> problems_of(const std::vector<std::string>& texts) {
  try {
    points(mixed(), texts);
  } catch (const Error& error) {
    return error.problems();
  }
  return {};
}

TEST(SweepAxis, SplitsAtCommasOutsideBrackets) {
  const SweepAxis axis = parse_sweep_axis("q_quantiles=null,[0.001,0.999],(0.1, 0.9)");
  EXPECT_EQ(axis.parameter, "q_quantiles");
  EXPECT_EQ(axis.values, (std::vector<std::string>{"null", "[0.001,0.999]", "(0.1, 0.9)"}));
}

TEST(SweepAxis, RefusesWhatNamesNoParameterOrNoValue) {
  for (const char* text : {"q_levels", "=4", "", "q_levels=", "q_levels=4,,8", "q_levels=4,"}) {
    try {
      parse_sweep_axis(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.problems().at(0).place.file, "--sweep");
      EXPECT_FALSE(error.problems().at(0).remedy.empty());
    }
  }
}

TEST(SweepAxis, AScheduleIsRefusedWhole) {
  for (const char* text : {"f_p={from: 0.1, to: 0.2, steps: 5}", "f_p=0.5,{from: 0.1, to: 0.2}"}) {
    try {
      parse_sweep_axis(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      const Problem& problem = error.problems().at(0);
      EXPECT_EQ(problem.place.file, "--sweep");
      EXPECT_NE(problem.message.find("to: 0.2"), std::string::npos) << problem.message;
      EXPECT_NE(problem.remedy.find("f_p: {from"), std::string::npos) << problem.remedy;
    }
  }
}

TEST(SweepPoints, AreTheGridWithTheLastAxisFastest) {
  const auto grid = points(mixed(), {"q_levels=4,8", "noise=true,false"});
  ASSERT_EQ(grid.size(), 4u);
  EXPECT_EQ(label_of(grid[0].settings), "q_levels=4 noise=true");
  EXPECT_EQ(label_of(grid[1].settings), "q_levels=4 noise=false");
  EXPECT_EQ(label_of(grid[2].settings), "q_levels=8 noise=true");
  EXPECT_EQ(grid[2].config.rules[0].values.get_int("q_levels"), 8);
}

TEST(SweepPoints, AValueGoesToEveryRuleThatCanHoldItAndToNoOther) {
  const auto grid = points(mixed(), {"q_levels=4", "noise=false"});
  ASSERT_EQ(grid.size(), 1u);
  const auto& rules = grid[0].config.rules;
  EXPECT_EQ(rules[0].values.get_int("q_levels"), 4);
  EXPECT_FALSE(rules[1].values.contains("q_levels"));
  EXPECT_EQ(rules[2].values.get_int("q_levels"), 4);
  EXPECT_FALSE(rules[1].values.get_bool("noise"));
  EXPECT_TRUE(rules[3].leave_alone);
  EXPECT_TRUE(rules[3].values.empty());
}

TEST(SweepPoints, WithoutAxesTheFileItselfIsTheOnlyPoint) {
  const auto grid = points(mixed(), {});
  ASSERT_EQ(grid.size(), 1u);
  EXPECT_TRUE(grid[0].settings.empty());
  EXPECT_EQ(grid[0].config.rules[2].values.get_int("q_levels"), 16);
}

TEST(SweepPoints, TellWhatASnappedValueBecomes) {
  const auto grid = points(mixed(), {"f_p=1e-5,null"});
  EXPECT_EQ(grid[0].settings[0].value, "1e-5");
  EXPECT_EQ(grid[0].settings[0].effective, to_string(ParamValue(0x1p-17)));
  EXPECT_EQ(grid[1].settings[0].effective, "null");
}

TEST(SweepPoints, EveryBadValueIsNamedOnceWithItsRange) {
  const auto problems = problems_of({"q_levels=1,many,8,70000", "f_p=2"});
  ASSERT_EQ(problems.size(), 4u);
  EXPECT_NE(problems[0].message.find("q_levels"), std::string::npos);
  EXPECT_EQ(problems[0].value, "1");
  EXPECT_EQ(problems[1].value, "many");
  EXPECT_EQ(problems[2].value, "70000");
  EXPECT_NE(problems[3].message.find("f_p"), std::string::npos);
  for (const Problem& problem : problems) EXPECT_EQ(problem.place.file, "--sweep");
}

TEST(SweepPoints, AnUnknownParameterIsToldTheNearest) {
  const auto problems = problems_of({"q_levls=4"});
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_NE(problems[0].message.find("rules.yaml"), std::string::npos);
  EXPECT_EQ(problems[0].remedy, "Did you mean q_levels?");
  EXPECT_EQ(problems_of({"q_levels=4", "q_levels=8"}).size(), 1u) << "named twice";
}

TEST(ReferenceSemantics, AreSetWhereAParadigmHasThem) {
  const auto reference = with_reference_semantics(mixed(), infos(), 0);
  ASSERT_TRUE(reference);
  EXPECT_EQ(reference->rules[0].values.get_text("semantics"), "reference");
  EXPECT_FALSE(reference->rules[1].values.contains("semantics"));
  EXPECT_FALSE(reference->rules[0].values.contains("q_init_seed")) << "draw 0 keeps the seeds";
  EXPECT_FALSE(with_reference_semantics(*reference, infos(), 0)) << "nothing is left to change";
  EXPECT_FALSE(with_reference_semantics(config("  b: {f_p: 0.5}\n"), infos(), 0));
}

TEST(ReferenceSemantics, AParameterThatOnlyHasTheNameStays) {
  ParadigmInfo other{.id = "other",
                     .title = "",
                     .summary = "",
                     .key_prefixes = {"o_"},
                     .targets = {LayerKind::linear},
                     .schema = {integer("o_levels", 4), text("semantics", "soft")}};
  const ParsedTransform parsed = parse_transform_config(
      "layer_name_to_config:\n  a: {o_levels: 8}\n  default: null\n", "rules.yaml", {other});
  ASSERT_TRUE(parsed.problems.empty());
  EXPECT_FALSE(with_reference_semantics(parsed.config, {other}, 0));
}

TEST(ReferenceSemantics, DrawsMoveTheSeedsApart) {
  const auto first = with_reference_semantics(mixed(), infos(), 1);
  const auto second = with_reference_semantics(mixed(), infos(), 2);
  const std::int64_t one = first->rules[0].values.get_int("q_init_seed");
  const std::int64_t two = second->rules[0].values.get_int("q_init_seed");
  EXPECT_GT(one - 7, 1'000'000'000);
  EXPECT_EQ(two - one, one - 7);
}

}  // namespace
}  // namespace engine
