// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/param_schema.h"

#include "engine/error.h"

#include <gtest/gtest.h>

#include <cmath>

namespace engine {
namespace {

ParamSchema small_schema() {
  return {integer("levels", 256).range(2, 65536),
          real("floor", 0.02).range(0, 1).open_above().nullable(),
          real_pair("quantiles", unset).range(0, 1).open_below().open_above().nullable(),
          boolean("bypass", false),
          choice("ste", {"pass", "clip"}),
          probability("p", unset).nullable().snaps(Snap::power_of_two_probability),
          text("name", unset).required(),
          boolean("streaming", false).refused("the text is read whole")};
}

std::vector<Problem> check(const std::string& name, ParamValue value) {
  ParamValues values;
  values.set("name", std::string("x"));
  values.set(name, std::move(value), {"f.yaml", 3, 7});
  return problems_in(small_schema(), values);
}

TEST(ParamSchema, GoodValuesRaiseNothing) {
  EXPECT_TRUE(check("levels", std::int64_t{2}).empty());
  EXPECT_TRUE(check("levels", std::int64_t{65536}).empty());
  EXPECT_TRUE(check("floor", 0.0).empty());
  EXPECT_TRUE(check("floor", unset).empty());
  EXPECT_TRUE(check("floor", std::int64_t{0}).empty());
  EXPECT_TRUE(check("quantiles", RealPair{0.001, 0.999}).empty());
  EXPECT_TRUE(check("ste", std::string("clip")).empty());
  EXPECT_TRUE(check("streaming", false).empty());
}

TEST(ParamSchema, BadValuesAreLocatedAndNameTheAllowedRange) {
  for (const auto& [name, value, range] :
       std::vector<std::tuple<std::string, ParamValue, std::string>>{
           {"levels", std::int64_t{1}, "[2, 65536]"},
           {"levels", std::int64_t{65537}, "[2, 65536]"},
           {"levels", 16.5, "whole number"},
           {"levels", unset, "may not be null"},
           {"floor", 1.0, "[0, 1)"},
           {"floor", std::nan(""), "[0, 1)"},
           {"floor", std::string("a"), "a number"},
           {"quantiles", RealPair{0.5, 0.5}, "low < high"},
           {"quantiles", RealPair{0.0, 0.5}, "(0, 1)"},
           {"bypass", std::int64_t{1}, "true or false"},
           {"ste", std::string("none"), "one of pass, clip"}}) {
    const std::vector<Problem> problems = check(name, value);
    ASSERT_EQ(problems.size(), 1u) << name << " " << to_string(value);
    EXPECT_EQ(problems[0].id, "bad-value");
    EXPECT_EQ(problems[0].place.line, 3);
    EXPECT_EQ(problems[0].place.column, 7);
    EXPECT_NE(problems[0].message.find(range), std::string::npos) << problems[0].message;
    EXPECT_NE(problems[0].message.find(name), std::string::npos) << problems[0].message;
  }
}

TEST(ParamSchema, UnknownNameOffersTheNearest) {
  const std::vector<Problem> problems = check("levls", std::int64_t{4});
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_NE(problems[0].remedy.find("levels"), std::string::npos);
}

TEST(ParamSchema, MissingRequiredNameIsAProblem) {
  const std::vector<Problem> problems = problems_in(small_schema(), {});
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_NE(problems[0].message.find("name is missing"), std::string::npos);
}

TEST(ParamSchema, RefusedNameSaysWhyUnlessItIsAtItsDefault) {
  const std::vector<Problem> problems = check("streaming", true);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].id, "not-supported");
  EXPECT_NE(problems[0].message.find("the text is read whole"), std::string::npos);
}

TEST(ParamSchema, DefaultsFillWhatIsNotGivenAndNullStaysNull) {
  ParamValues given;
  given.set("floor", unset);
  given.set("unknown", true);
  const ParamValues all = small_schema().with_defaults(given);
  EXPECT_EQ(all.entries().size(), small_schema().specs().size());
  EXPECT_FALSE(is_set(all.get("floor")));
  EXPECT_EQ(all.get_int("levels"), 256);
  EXPECT_FALSE(all.contains("unknown"));
}

TEST(ParamSchema, WholeNumbersBecomeRealsWhereRealsAreMeant) {
  ParamValues whole, fraction;
  whole.set("floor", std::int64_t{0});
  fraction.set("floor", 0.0);
  EXPECT_TRUE(
      small_schema().with_defaults(whole).same_values(small_schema().with_defaults(fraction)));
}

TEST(ParamSchema, ProbabilitiesSnapDownToPowersOfTwo) {
  const ParamSpec spec = probability("p", unset).snaps(Snap::power_of_two_probability);
  const auto snapped = [&](double p) { return std::get<double>(effective_value(spec, p)); };
  EXPECT_EQ(snapped(1e-5), std::ldexp(1.0, -17));
  EXPECT_EQ(snapped(0.5), 0.5);
  EXPECT_EQ(snapped(0.75), 0.5);
  EXPECT_EQ(snapped(0.25), 0.25);
  EXPECT_EQ(snapped(std::nextafter(0.25, 0)), 0.125);
  for (int h = 1; h <= 24; ++h) EXPECT_EQ(snapped(std::ldexp(1.0, -h)), std::ldexp(1.0, -h));
  EXPECT_FALSE(is_set(effective_value(spec, unset)));
}

TEST(ParamSchema, EffectiveValuesAreCompleteAndSnapped) {
  ParamValues given;
  given.set("p", 1e-5);
  const ParamValues effective = small_schema().effective(given);
  EXPECT_EQ(effective.entries().size(), small_schema().specs().size());
  EXPECT_EQ(effective.get_real("p"), std::ldexp(1.0, -17));
  EXPECT_EQ(effective.get_int("levels"), 256);
}

ParamSchedule schedule(double from, double to, std::int64_t steps, ScheduleShape shape) {
  ParamSchedule result;
  result.from = from;
  result.to = to;
  result.steps = steps;
  result.shape = shape;
  return result;
}

RuleSchema rule_schema() { return small_schema(); }

std::vector<Problem> check_schedule(const std::string& name, const ParamSchedule& value) {
  ParamValues values;
  values.set("name", std::string("x"));
  values.set(name, value, {"f.yaml", 3, 7});
  return problems_in(rule_schema(), values);
}

TEST(ParamSchedule, OnlyNumbersOfARuleTakeOne) {
  const ParamSchedule ramp = schedule(0.5, 0.25, 10, ScheduleShape::linear);
  EXPECT_EQ(check("floor", ramp).size(), 1u) << "a run's own parameter";
  EXPECT_TRUE(check_schedule("floor", ramp).empty());
  EXPECT_TRUE(check_schedule("p", ramp).empty());
  for (const char* name : {"levels", "quantiles", "bypass", "ste", "name"})
    EXPECT_EQ(check_schedule(name, ramp).size(), 1u) << name;
}

TEST(ParamSchedule, BadMembersAreProblemsThatNameTheParameterAndTheMember) {
  for (const auto& [value, words] : std::vector<std::pair<ParamSchedule, std::string>>{
           {schedule(1.0, 0.5, 10, ScheduleShape::linear), "the schedule of floor: from is 1.0"},
           {schedule(0.5, -0.5, 10, ScheduleShape::cosine), "the schedule of floor: to is -0.5"},
           {schedule(0.5, std::nan(""), 10, ScheduleShape::linear), "floor: to is nan"},
           {schedule(0.5, 0.25, 0, ScheduleShape::linear), "floor: steps is 0"},
           {schedule(0.5, 0.0, 10, ScheduleShape::log), "both ends above 0"}}) {
    const std::vector<Problem> problems = check_schedule("floor", value);
    ASSERT_EQ(problems.size(), 1u) << words;
    EXPECT_EQ(problems[0].id, "bad-value");
    EXPECT_EQ(problems[0].place.line, 3);
    EXPECT_NE(problems[0].message.find(words), std::string::npos) << problems[0].message;
    EXPECT_FALSE(problems[0].remedy.empty());
  }
}

TEST(ParamSchedule, TakesEffectSnappedAtEveryStepNotOnlyAtItsEnds) {
  ParamValues given;
  given.set("p", schedule(1e-3, 1e-5, 100, ScheduleShape::log));
  const ScheduledReal p = rule_schema().effective(given).get_scheduled_real("p");
  EXPECT_EQ(p.at(0), std::ldexp(1.0, -10));
  EXPECT_EQ(p.at(50), std::ldexp(1.0, -14)) << "1e-4";
  EXPECT_EQ(p.at(100), std::ldexp(1.0, -17));
  EXPECT_EQ(p.at(100000), std::ldexp(1.0, -17));
  const auto& effective = std::get<ParamSchedule>(rule_schema().effective(given).get("p"));
  EXPECT_EQ(description(effective),
            "0.001 → 1.0e-05 over 100 steps, log; takes effect as 2^-10 → 2^-17, a power of two at "
            "every step");
}

TEST(ParamSchedule, PrintsAndReadsBackAsTheMapItIsWrittenAs) {
  const ParamSpec spec = *rule_schema().find("floor");
  for (const ScheduleShape shape :
       {ScheduleShape::linear, ScheduleShape::cosine, ScheduleShape::log}) {
    const ParamValue value = schedule(0.1, 0.020040, 2000, shape);
    std::vector<Problem> problems;
    EXPECT_EQ(parse_value(spec, to_string(value), {"--flag", 0, 0}, problems), value);
    EXPECT_TRUE(problems.empty());
  }
  EXPECT_EQ(to_string(ParamValue{schedule(0.1, 1e-5, 20, ScheduleShape::cosine)}),
            "{from: 0.1, to: 1.0e-05, steps: 20, shape: cosine}");
  for (const char* text : {"{from: 0.1, to: 0.2}", "{", "{from: 0.1, to: 2, steps: 4}", "{}"}) {
    std::vector<Problem> problems;
    EXPECT_FALSE(is_set(parse_value(spec, text, {"--flag", 0, 0}, problems)));
    ASSERT_EQ(problems.size(), 1u) << text;
    EXPECT_EQ(problems[0].place.file, "--flag");
    EXPECT_NE(problems[0].message.find("is not a schedule: "), std::string::npos);
  }
}

TEST(ParamValues, SameValuesIgnoresOrderAndPlaces) {
  ParamValues a, b;
  a.set("x", std::int64_t{1}, {"f", 1, 1});
  a.set("y", true);
  b.set("y", true, {"g", 2, 2});
  b.set("x", std::int64_t{1});
  EXPECT_TRUE(a.same_values(b));
  b.set("x", std::int64_t{2});
  EXPECT_FALSE(a.same_values(b));
}

TEST(ParamValues, WrongTypeThrowsWithTheName) {
  ParamValues values;
  values.set("levels", true);
  try {
    values.get_int("levels");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("levels"), std::string::npos);
  }
}

TEST(ParamText, ValuesPrintAsAPersonWritesThem) {
  EXPECT_EQ(to_string(ParamValue{}), "null");
  EXPECT_EQ(to_string(ParamValue{true}), "true");
  EXPECT_EQ(to_string(ParamValue{std::int64_t{256}}), "256");
  EXPECT_EQ(to_string(ParamValue{0.020040}), "0.02004");
  EXPECT_EQ(to_string(ParamValue{1.0}), "1.0");
  EXPECT_EQ(to_string(ParamValue{1e-5}), "1.0e-05");
  EXPECT_EQ(to_string(ParamValue{1.52587890625e-05}), "1.52587890625e-05");
  EXPECT_EQ(to_string(ParamValue{RealPair{0.001, 0.999}}), "[0.001, 0.999]");
}

TEST(ParamText, RangesPrintWithOpenAndClosedEnds) {
  EXPECT_EQ(allowed_range(integer("n", 2).range(2, 65536)), "[2, 65536]");
  EXPECT_EQ(allowed_range(real("r", 0.5).range(0, 1).open_below().open_above()), "(0, 1)");
  EXPECT_EQ(allowed_range(integer("n", 0).range(0, std::numeric_limits<double>::infinity())),
            "[0, inf)");
  EXPECT_EQ(allowed_range(choice("c", {"a", "b"})), "one of a, b");
  EXPECT_EQ(allowed_range(boolean("b", true)), "");
}

ParamValue parsed(const ParamSpec& spec, const std::string& text) {
  std::vector<Problem> problems;
  const ParamValue value = parse_value(spec, text, {"--flag", 0, 0}, problems);
  EXPECT_TRUE(problems.empty()) << text << ": " << problems[0].message;
  return value;
}

TEST(ParamText, CommandLineTextIsReadByKind) {
  EXPECT_EQ(parsed(integer("n", 0), "1_000"), ParamValue{std::int64_t{1000}});
  EXPECT_EQ(parsed(integer("n", -1), "-1"), ParamValue{std::int64_t{-1}});
  EXPECT_EQ(parsed(real("r", 0.0), "5e-5"), ParamValue{5e-5});
  EXPECT_EQ(parsed(real("r", 0.0), "1"), ParamValue{1.0});
  EXPECT_EQ(parsed(boolean("b", false), "True"), ParamValue{true});
  EXPECT_EQ(parsed(boolean("b", false), "no"), ParamValue{false});
  EXPECT_EQ(parsed(real_pair("q", unset), "[0.001, 0.999]"), (ParamValue{RealPair{0.001, 0.999}}));
  EXPECT_EQ(parsed(real_pair("q", unset), "0.001,0.999"), (ParamValue{RealPair{0.001, 0.999}}));
  EXPECT_EQ(parsed(integer("n", unset).nullable(), "None"), ParamValue{});
  EXPECT_EQ(parsed(path("transform_config", unset).nullable(), "none"),
            ParamValue{std::string("none")});
}

TEST(ParamText, WhatCannotBeReadIsAProblemAtTheFlag) {
  for (const auto& [spec, text] :
       std::vector<std::pair<ParamSpec, std::string>>{{integer("n", 0), "1.5"},
                                                      {integer("n", 0), "ten"},
                                                      {integer("n", 0), "99999999999999999999"},
                                                      {integer("n", 0), "010"},
                                                      {real("r", 0.0), "nan"},
                                                      {real("r", 0.0), "1e999"},
                                                      {boolean("b", true), "si"},
                                                      {real_pair("q", unset), "0.5"},
                                                      {integer("n", 0), ""}}) {
    std::vector<Problem> problems;
    EXPECT_FALSE(is_set(parse_value(spec, text, {"--flag", 0, 0}, problems)));
    ASSERT_EQ(problems.size(), 1u) << text;
    EXPECT_EQ(problems[0].place.file, "--flag");
    EXPECT_EQ(problems[0].value, text);
  }
}

TEST(NearestName, FindsTypingSlipsAndNothingFar) {
  const std::vector<std::string> names{"learning_rate", "block_size", "max_steps"};
  EXPECT_EQ(nearest_name("learning-rate", names), "learning_rate");
  EXPECT_EQ(nearest_name("lerning_rate", names), "learning_rate");
  EXPECT_EQ(nearest_name("blokc_size", names), "block_size");
  EXPECT_EQ(nearest_name("MAX_STEPS", names), "max_steps");
  EXPECT_EQ(nearest_name("temperature", names), "");
  EXPECT_EQ(nearest_name("", names), "");
}

}  // namespace
}  // namespace engine
