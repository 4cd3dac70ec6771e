// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/transform_config.h"

#include "engine/transform/paradigm_info.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace engine {
namespace {

ParsedTransform parse(const std::string& yaml) {
  return parse_transform_config(yaml, "t.yaml", paradigm_infos());
}

/// A C1 file with one rule whose values are `values`.
ParsedTransform rule(const std::string& values) {
  return parse("layer_name_to_config:\n  'x': {" + values + "}\n");
}

std::string only_problem(const ParsedTransform& parsed) {
  EXPECT_EQ(parsed.problems.size(), 1u);
  return parsed.problems.empty() ? "" : to_string(parsed.problems[0]);
}

TEST(TransformConfig, ReadsUpstreamsFileForContinualPretraining) {
  const ParsedTransform parsed = read_transform_config(
      PARADIGM_SOURCE_DIR "/configs/transforms/optical_transformer.yaml", paradigm_infos());
  ASSERT_TRUE(parsed.problems.empty()) << to_string(parsed.problems[0]);
  const TransformConfig& config = parsed.config;
  EXPECT_EQ(config.dialect, TransformDialect::c1_pattern_map);
  EXPECT_TRUE(config.use_regex);
  ASSERT_EQ(config.rules.size(), 4u);
  EXPECT_EQ(config.rules[0].pattern, "model\\.layers\\.[0-9]+\\.self_attn");
  EXPECT_EQ(config.rules[1].pattern, "model\\.layers.[0-9]+\\.self_attn\\.(q|k|v|o)_proj");
  EXPECT_EQ(config.rules[2].pattern, "model\\.layers\\.[0-9]+\\.mlp\\.(gate|up|down)_proj");
  EXPECT_EQ(config.rules[3].pattern, "lm_head");
  EXPECT_TRUE(config.rules[3].leave_alone);
  for (int i = 0; i < 3; ++i) {
    const TransformRule& each = config.rules[static_cast<std::size_t>(i)];
    EXPECT_EQ(each.paradigm, "optical_transformer");
    EXPECT_EQ(each.paradigm_source, ParadigmSource::inferred);
    EXPECT_EQ(each.values.entries().size(), 6u);
    EXPECT_EQ(each.values.get_int("q_levels"), 256);
    EXPECT_EQ(each.values.get_real("q_lut_min"), 0.020040);
    EXPECT_FALSE(is_set(each.values.get("q_quantiles")));
    EXPECT_EQ(each.values.get_real("q_smooth_factor"), 0.9);
    EXPECT_EQ(each.values.get_int("q_init_seed"), 0);
    EXPECT_FALSE(each.values.get_bool("q_bypass"));
  }
}

TEST(TransformConfig, EveryShippedFileLoadsWithoutErrors) {
  int count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(PARADIGM_SOURCE_DIR "/configs/transforms")) {
    const ParsedTransform parsed = read_transform_config(entry.path(), paradigm_infos());
    EXPECT_TRUE(parsed.problems.empty()) << to_string(parsed.problems.at(0));
    EXPECT_FALSE(parsed.config.rules.empty()) << entry.path();
    ++count;
  }
  EXPECT_GE(count, 3);
}

TEST(TransformConfig, ShippedBitflipFilesHoldUpstreamsValues) {
  const std::string folder = PARADIGM_SOURCE_DIR "/configs/transforms/";
  const ParsedTransform all =
      read_transform_config(folder + "random_bitflip.yaml", paradigm_infos());
  ASSERT_EQ(all.config.rules.size(), 2u);
  EXPECT_EQ(all.config.rules[0].paradigm, "random_bitflip");
  const ParamValues& values = all.config.rules[0].values;
  for (const char* name : {"x_p_exp", "x_p_frac", "w_p_exp", "w_p_frac"})
    EXPECT_EQ(values.get_real(name), 0x1p-16) << name;
  EXPECT_EQ(values.get_real("x_zero_out_t"), 30);
  EXPECT_EQ(values.get_real("w_zero_out_t"), 1.25);
  EXPECT_TRUE(all.config.rules[1].leave_alone);
  const ParsedTransform fraction =
      read_transform_config(folder + "random_bitflip_weight_fraction.yaml", paradigm_infos());
  EXPECT_EQ(fraction.config.rules[0].values.get_real("w_p_frac"), 0x1p-12);
  EXPECT_FALSE(is_set(fraction.config.rules[0].values.get("w_p_exp")));
}

TEST(TransformConfig, AFlipProbabilityOutOfRangeIsALocatedError) {
  for (const char* p : {"0", "1", "1.5", "5.0e-8", "-0.1"}) {
    const std::string text = only_problem(rule(std::string("x_p_exp: ") + p));
    EXPECT_NE(text.find("t.yaml:2:"), std::string::npos) << text;
    EXPECT_NE(text.find("x_p_exp"), std::string::npos) << text;
  }
  EXPECT_TRUE(rule("x_p_exp: 5.9604644775390625e-08").problems.empty());  // 2^-24
}

TEST(TransformConfig, BareMapIsTheSecondDialect) {
  const ParsedTransform parsed =
      parse("lm_head: null\n? 'model\\.layers\\..*'\n: {q_levels: 16}\n");
  ASSERT_TRUE(parsed.problems.empty());
  EXPECT_EQ(parsed.config.dialect, TransformDialect::c2_bare_map);
  EXPECT_TRUE(parsed.config.use_regex);
  ASSERT_EQ(parsed.config.rules.size(), 2u);
  EXPECT_EQ(parsed.config.rules[1].pattern, "model\\.layers\\..*");
}

TEST(TransformConfig, TellsTheDialectsApart) {
  for (const auto& [yaml, dialect] : std::vector<std::pair<std::string, TransformDialect>>{
           {"attn: {q_levels: 256}\nfc: {q_levels: 256}", TransformDialect::c4_attention_fc},
           {"by: type\nlinear: {config: {tile_type: pcm}}", TransformDialect::c5_by_tree},
           {"quantization_config: {by: regex}\nsnn: {by: type}", TransformDialect::c5_by_tree},
           {"transform_args: {layer_name_to_config: {}}\njob_args: {}",
            TransformDialect::c6_pretraining},
           {"transform: {value: {use_regex: true}}\njob: {value: {}}",
            TransformDialect::c6_pretraining},
           {"a: null", TransformDialect::c2_bare_map}})
    EXPECT_EQ(parse(yaml).config.dialect, dialect) << yaml;
  EXPECT_EQ(parse_transform_config("use_lora = true", "t.toml", paradigm_infos()).config.dialect,
            TransformDialect::c3_sections);
}

TEST(TransformConfig, MistypedHeaderNamesTheNearestKey) {
  EXPECT_NE(only_problem(parse("layer_name_to_confg:\n  x: {q_levels: 4}\n"))
                .find("layer_name_to_config"),
            std::string::npos);
  EXPECT_NE(only_problem(parse("use_regx: true\nlayer_name_to_config: {}\n"))
                .find("Did you mean use_regex"),
            std::string::npos);
  EXPECT_NE(only_problem(parse("a: 1\nb: {}\n")).find("a is not a rule"), std::string::npos);
}

TEST(TransformConfig, MapsThatAreNoneAreErrors) {
  EXPECT_NE(only_problem(parse("")).find("the file is empty"), std::string::npos);
  EXPECT_FALSE(parse("- a").problems.empty());
  EXPECT_FALSE(parse("{}").problems.empty());
  EXPECT_FALSE(parse("layer_name_to_config:").problems.empty());
  EXPECT_FALSE(parse("layer_name_to_config: [a]").problems.empty());
  EXPECT_NE(only_problem(parse("layer_name_to_config: {x: None}")).find("Write null"),
            std::string::npos);
}

TEST(TransformConfig, HeaderKeysAreRead) {
  EXPECT_FALSE(parse("use_regex: false\nlayer_name_to_config: {}").config.use_regex);
  EXPECT_TRUE(parse("transform_flavor: fc\nlayer_name_to_config: {}").problems.empty());
  EXPECT_NE(
      only_problem(parse("transform_flavor: attn\nlayer_name_to_config: {}")).find("must be fc"),
      std::string::npos);
  EXPECT_FALSE(parse("use_regex: 1\nlayer_name_to_config: {}").problems.empty());
}

TEST(TransformConfig, ParadigmComesFromRuleThenFileThenKeys) {
  const ParsedTransform parsed = parse(
      "paradigm: optical_transformer\nlayer_name_to_config:\n  a: {paradigm: "
      "optical_transformer}\n  b: {}\n  c: {noise: false}\n");
  ASSERT_TRUE(parsed.problems.empty()) << to_string(parsed.problems[0]);
  EXPECT_EQ(parsed.config.rules[0].paradigm_source, ParadigmSource::rule);
  EXPECT_EQ(parsed.config.rules[1].paradigm_source, ParadigmSource::file);
  EXPECT_EQ(rule("q_levels: 16").config.rules[0].paradigm_source, ParadigmSource::inferred);
}

TEST(TransformConfig, KeysThatInferNothingAskForAParadigm) {
  EXPECT_EQ(rule("").problems.at(0).id, "no-paradigm");
  EXPECT_EQ(rule("noise: false").problems.at(0).id, "no-paradigm");
  EXPECT_EQ(rule("q_levels: 4, x_p_exp: 0.5").problems.at(0).id, "no-paradigm");
  EXPECT_NE(only_problem(rule("levels: 4")).find("q_levels"), std::string::npos);
}

TEST(TransformConfig, KnownParadigmsThatAreNotBuiltInAreNamed) {
  const std::string text = only_problem(rule("paradigm: spiking"));
  EXPECT_NE(text.find("spiking"), std::string::npos);
  EXPECT_NE(only_problem(rule("paradigm: pim")).find("not built in yet"), std::string::npos);
  EXPECT_NE(
      only_problem(rule("paradigm: optical_transfomer")).find("Did you mean optical_transformer"),
      std::string::npos);
}

TEST(TransformConfig, UnknownKeysOfferTheNearest) {
  const ParsedTransform parsed =
      parse("layer_name_to_config:\n  x:\n    q_levls: 256\n    q_zzzzzz: 1\n");
  ASSERT_EQ(parsed.problems.size(), 2u);
  EXPECT_EQ(to_string(parsed.problems[0]).find("t.yaml:3:5: error: unknown key q_levls"), 0u);
  EXPECT_NE(parsed.problems[0].remedy.find("q_levels"), std::string::npos);
}

TEST(TransformConfig, ValuesOutOfRangeAreLocated) {
  const ParsedTransform parsed = parse(
      "layer_name_to_config:\n  x:\n    q_levels: 1\n    q_lut_min: 1.0\n    q_quantiles: [0.9, "
      "0.1]\n");
  ASSERT_EQ(parsed.problems.size(), 3u);
  EXPECT_EQ(to_string(parsed.problems[0].place), "t.yaml:3:15");
  EXPECT_EQ(to_string(parsed.problems[1].place), "t.yaml:4:16");
  EXPECT_EQ(to_string(parsed.problems[2].place), "t.yaml:5:18");
  for (const Problem& problem : parsed.problems) EXPECT_EQ(problem.id, "bad-value");
}

TEST(TransformConfig, SchedulesAreReadFromFlowAndBlockMaps) {
  const ParsedTransform parsed = parse(
      "layer_name_to_config:\n"
      "  a: {q_lut_min: {from: 0.1, to: 0.02, steps: 2_000, shape: log}}\n"
      "  b:\n    q_lut_min:\n      to: 0\n      steps: 10\n      from: 1e-2\n"
      "  c:\n    q_lut_min: &ramp {from: 0.1, to: 0.2, steps: 3, shape: cosine}\n"
      "  d: {q_lut_min: {<<: *ramp, steps: 5}}\n");
  ASSERT_TRUE(parsed.problems.empty()) << to_string(parsed.problems[0]);
  const auto of = [&](std::size_t r) {
    return to_string(parsed.config.rules[r].values.get("q_lut_min"));
  };
  EXPECT_EQ(of(0), "{from: 0.1, to: 0.02, steps: 2000, shape: log}");
  EXPECT_EQ(of(1), "{from: 0.01, to: 0.0, steps: 10, shape: linear}");
  EXPECT_EQ(of(2), "{from: 0.1, to: 0.2, steps: 3, shape: cosine}");
  EXPECT_EQ(of(3), "{from: 0.1, to: 0.2, steps: 5, shape: cosine}");
}

TEST(TransformConfig, MistakesInASchedulePointAtTheMember) {
  const auto of = [](const std::string& schedule) {
    const ParsedTransform parsed = parse("layer_name_to_config:\n  x:\n    q_lut_min: " + schedule);
    EXPECT_EQ(parsed.problems.size(), 1u) << schedule;
    if (parsed.problems.empty()) return std::string();
    EXPECT_FALSE(parsed.problems[0].remedy.empty()) << schedule;
    return to_string(parsed.problems[0]);
  };
  const auto expect = [&](const std::string& schedule, const std::string& place,
                          const std::string& words) {
    const std::string text = of(schedule);
    EXPECT_EQ(text.find("t.yaml:" + place + ": error: "), 0u) << text;
    EXPECT_NE(text.find(words), std::string::npos) << text;
  };
  expect("{from: 0.1, to: 0.2, stpes: 3, steps: 3}", "3:37", "unknown key stpes");
  EXPECT_NE(of("{from: 0.1, to: 0.2, stpes: 3, steps: 3}").find("Did you mean steps?"),
            std::string::npos);
  expect("{from: 0.1, to: 0.2}", "3:16", "steps is missing");
  expect("{from: 0.1, steps: 2}", "3:16", "the schedule of q_lut_min: to is missing");
  expect("{from: 0.1, to: 0.2, to: 0.3, steps: 2}", "3:37", "to");
  expect("{from: 0.1, to: abc, steps: 2}", "3:32", "abc is not a number");
  expect("{from: '0.1', to: 0.1, steps: 2}", "3:23", "Remove the quotes");
  expect("{from: 0.1, to: null, steps: 2}", "3:32", "null");
  expect("{from: 0.1, to: [0.1], steps: 2}", "3:32", "a list is not a number");
  expect("{from: 0.1, to: 0.2, steps: 0}", "3:44", "[1, inf)");
  expect("{from: 0.1, to: 0.2, steps: 1.5}", "3:44", "not a whole number");
  expect("{from: 0.1, to: 0.2, steps: 2, shape: cubic}", "3:54", "one of linear, cosine, log");
  expect("{from: 0.1, to: 1.0, steps: 2}", "3:32", "[0, 1)");
  expect("{from: 0.0, to: 0.1, steps: 2, shape: log}", "3:23", "both ends above 0");
  expect("\n      from: 0.1\n      to: 7\n      steps: 2\n", "5:11", "to is 7.0");
  EXPECT_EQ(rule("q_lut_min: 0.1, q_levels: {from: 2, to: 4, steps: 2}").problems.size(), 1u);
  EXPECT_EQ(rule("q_lut_min: {}").problems.size(), 3u);
}

TEST(TransformConfig, EveryChoiceOfTheOpticalTransformerIsTaken) {
  EXPECT_TRUE(rule("q_levels: 4, stats: delayed").problems.empty());
  EXPECT_TRUE(rule("q_levels: 4, semantics: reference").problems.empty());
  EXPECT_TRUE(rule("q_levels: 4, stats: current, semantics: intended, ste: clip, mode: freeze")
                  .problems.empty());
}

TEST(TransformConfig, OneMistakeBehindAnAnchorIsReportedOnce) {
  EXPECT_EQ(parse("layer_name_to_config:\n  a: &x {q_levels: 1}\n  b: *x\n  c: {<<: *x}\n")
                .problems.size(),
            1u);
}

TEST(TransformConfig, DuplicatePatternsAndKeysAreErrors) {
  const ParsedTransform patterns = parse("layer_name_to_config:\n  'a': null\n  a: null\n");
  EXPECT_EQ(patterns.problems.at(0).id, "duplicate-key");
  EXPECT_NE(patterns.problems[0].message.find("t.yaml:2:3"), std::string::npos);
  EXPECT_EQ(rule("q_levels: 4, q_levels: 8").problems.at(0).id, "duplicate-key");
}

TEST(YamlTraps, NumbersAreReadAsTheirMeaningIsClear) {
  const auto real = [](const std::string& text) {
    return rule("q_levels: 4, q_lut_min: " + text).config.rules[0].values.get_real("q_lut_min");
  };
  const auto whole = [](const std::string& text) {
    return rule("q_levels: " + text).config.rules[0].values.get_int("q_levels");
  };
  EXPECT_EQ(real("1e-5"), 1e-5);
  EXPECT_EQ(real("1.52587890625e-05"), 1.52587890625e-05);
  EXPECT_EQ(real("0"), 0.0);
  EXPECT_EQ(real(".5"), 0.5);
  EXPECT_EQ(real("+0.25"), 0.25);
  EXPECT_EQ(whole("1_000"), 1000);
  EXPECT_EQ(whole("0x10"), 16);
}

TEST(YamlTraps, NullHasManySpellings) {
  for (const char* text : {"null", "~", "Null", "NULL", ""}) {
    const ParsedTransform parsed = rule(std::string("q_levels: 4, q_lut_min: ") + text);
    ASSERT_TRUE(parsed.problems.empty()) << text;
    EXPECT_TRUE(parsed.config.rules[0].values.contains("q_lut_min"));
    EXPECT_FALSE(is_set(parsed.config.rules[0].values.get("q_lut_min")));
  }
  EXPECT_FALSE(rule("q_levels: null").problems.empty());
}

TEST(YamlTraps, OldBooleansAreReadWithANote) {
  for (const auto& [text, value] : std::vector<std::pair<std::string, bool>>{
           {"yes", true}, {"No", false}, {"ON", true}, {"off", false}}) {
    const ParsedTransform parsed = rule("q_bypass: " + text);
    ASSERT_EQ(parsed.problems.size(), 1u) << text;
    EXPECT_EQ(parsed.problems[0].severity, Severity::note);
    EXPECT_EQ(parsed.config.rules[0].values.get_bool("q_bypass"), value);
  }
  EXPECT_TRUE(rule("q_bypass: True").problems.empty());
}

TEST(YamlTraps, WhatTheTwoYamlVersionsReadDifferentlyIsAnError) {
  for (const char* values : {"q_levels: 010",
                             "q_levels: 0o17",
                             "q_levels: 1:30",
                             "q_levels: 0b11",
                             "q_levels: '256'",
                             "q_levels: \"256\"",
                             "q_levels: 256.0",
                             "q_levels: 1e3",
                             "q_levels: 1__0",
                             "q_levels: 99999999999999999999",
                             "q_lut_min: '0.1', q_levels: 4",
                             "q_smooth_factor: .nan",
                             "q_smooth_factor: .inf",
                             "q_smooth_factor: -.inf",
                             "q_smooth_factor: 1e999",
                             "q_smooth_factor: 1:30.5",
                             "q_smooth_factor: nan",
                             "q_bypass: 'true'",
                             "q_bypass: 1",
                             "q_bypass: y",
                             "q_levels: 4, ste: yes",
                             "q_levels: 4, ste: 3",
                             "q_quantiles: 0.5",
                             "q_quantiles: [0.1]",
                             "q_quantiles: [0.1, 'x']",
                             "q_levels: [1]",
                             "q_levels: {a: 1}"}) {
    const ParsedTransform parsed = rule(values);
    ASSERT_EQ(parsed.problems.size(), 1u) << values;
    EXPECT_EQ(parsed.problems[0].id, "bad-value") << values;
    EXPECT_EQ(parsed.problems[0].place.line, 2) << values;
    EXPECT_GT(parsed.problems[0].place.column, 8) << values;
  }
}

TEST(YamlTraps, KeysThatAreNoTextMustBeQuoted) {
  for (const char* key : {"yes", "off", "true", "12", "1.5", "~", "null", "1:30", "010"}) {
    const ParsedTransform parsed =
        parse(std::string("layer_name_to_config:\n  ") + key + ": null\n");
    EXPECT_NE(only_problem(parsed).find("Quote it"), std::string::npos) << key;
    EXPECT_TRUE(
        parse(std::string("layer_name_to_config:\n  '") + key + "': null\n").problems.empty())
        << key;
  }
}

TEST(TransformConfig, UnreadableFilesAreProblemsThatNameThem) {
  const auto message = [](const std::string& file) {
    return only_problem(read_transform_config(file, paradigm_infos()));
  };
  EXPECT_NE(message("/nowhere/t.yaml").find("/nowhere/t.yaml"), std::string::npos);
  EXPECT_NE(message(PARADIGM_SOURCE_DIR).find("folder"), std::string::npos);
}

TEST(TransformConfig, PlacesInsidePatternsAreExact) {
  const ParsedTransform parsed =
      parse("layer_name_to_config:\n  'a.b': null\n  \"c\\\\.d.e\": null\n  f.g: null\n");
  const auto column = [&](int index, std::size_t offset) {
    return place_in_pattern(parsed.config, parsed.config.rules[static_cast<std::size_t>(index)],
                            offset)
        .column;
  };
  EXPECT_EQ(column(0, 1), 5);
  EXPECT_EQ(column(1, 4), 9);
  EXPECT_EQ(column(2, 1), 4);
}

TEST(TransformConfig, SourceTextIsKeptByteForByte) {
  const std::string text = "\xEF\xBB\xBF# note\r\nlayer_name_to_config: {x: null}\r\n";
  EXPECT_EQ(parse(text).config.source_text, text);
  EXPECT_TRUE(parse(text).problems.empty());
}

}  // namespace
}  // namespace engine
