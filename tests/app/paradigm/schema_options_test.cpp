// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/schema_options.h"

#include "engine/config/run_config.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <random>

namespace paradigm {
namespace {

struct Parsed {
  engine::ParamValues values;
  std::vector<engine::Problem> problems;
};

Parsed parse(std::vector<std::string> words) {
  CLI::App app;
  const auto options = add_schema_options(app, engine::train_schema());
  std::reverse(words.begin(), words.end());
  app.parse(words);
  Parsed parsed;
  parsed.values = options->values(parsed.problems);
  return parsed;
}

TEST(SchemaOptions, BooleansStandAloneOrTakeAWord) {
  EXPECT_TRUE(parse({"--bf16"}).values.get_bool("bf16"));
  EXPECT_TRUE(parse({"--bf16", "--seed", "1"}).values.get_bool("bf16"));
  EXPECT_TRUE(parse({"--bf16", "True"}).values.get_bool("bf16"));
  EXPECT_FALSE(parse({"--bf16", "false"}).values.get_bool("bf16"));
  EXPECT_FALSE(parse({"--bf16=no"}).values.get_bool("bf16"));
  EXPECT_FALSE(parse({"--no_keep_linebreaks"}).values.get_bool("keep_linebreaks"));
  EXPECT_FALSE(parse({"--bf16", "maybe"}).problems.empty());
}

TEST(SchemaOptions, ValuesFollowOrAreJoinedAndTheLastWins) {
  EXPECT_EQ(parse({"--max_steps", "-1"}).values.get_int("max_steps"), -1);
  EXPECT_EQ(parse({"--max_steps=50"}).values.get_int("max_steps"), 50);
  EXPECT_EQ(parse({"--max_steps", "5", "--max_steps", "7"}).values.get_int("max_steps"), 7);
  EXPECT_EQ(parse({"--learning_rate", "1e-4"}).values.get_real("learning_rate"), 1e-4);
  EXPECT_EQ(parse({"--learning-rate", "0.5"}).values.get_real("learning_rate"), 0.5);
  EXPECT_EQ(parse({"--train_file", "a b=c.txt"}).values.get_text("train_file"), "a b=c.txt");
  EXPECT_EQ(parse({"--train_file=[x]"}).values.get_text("train_file"), "[x]");
}

TEST(SchemaOptions, OnlyWhatIsGivenIsSetWithItsFlagAsPlace) {
  const Parsed parsed = parse({"--seed", "3"});
  ASSERT_EQ(parsed.values.entries().size(), 1u);
  EXPECT_EQ(parsed.values.entries()[0].place.file, "--seed");
}

TEST(SchemaOptions, UnreadableValuesAreOneProblemEachAtTheirFlag) {
  const Parsed parsed = parse({"--max_steps", "many", "--learning_rate", "fast"});
  ASSERT_EQ(parsed.problems.size(), 2u);
  EXPECT_EQ(parsed.problems[0].place.file, "--max_steps");
  EXPECT_EQ(parsed.problems[1].place.file, "--learning_rate");
  EXPECT_TRUE(parsed.values.empty());
}

TEST(SchemaOptions, AForgottenValueIsSaid) {
  const Parsed parsed = parse({"--train_file", "--bf16"});
  ASSERT_EQ(parsed.problems.size(), 1u);
  EXPECT_NE(parsed.problems[0].message.find("needs a value"), std::string::npos);
}

TEST(SchemaOptions, EveryFlagOfTheSchemaIsDeclared) {
  CLI::App app;
  const auto options = add_schema_options(app, engine::train_schema());
  for (const auto& spec : engine::train_schema().specs()) {
    EXPECT_NE(app.get_option_no_throw("--" + spec.name), nullptr) << spec.name;
  }
  const std::string help = app.help();
  EXPECT_NE(help.find("--per_device_train_batch_size"), std::string::npos);
  EXPECT_EQ(help.find("--deepspeed"), std::string::npos) << "refused flags are not advertised";
}

/// What is copied and pasted in the workbench is read without CLI11: both must read alike.
TEST(SchemaOptions, AnyWordsMeanTheSameToTheWorkbench) {
  std::mt19937_64 random(11);
  std::vector<std::string> pieces = {
      "--",   "-1",        "-x",  "true",         "false",     "7",
      "1e-4", "maybe",     "a b", "null",         "--bf16=no", "--seed=5",
      "",     "--unknown", "x=y", "--max_steps=", "-",         "--no_save_async"};
  for (const engine::ParamSpec& spec : engine::train_schema().specs()) {
    pieces.push_back("--" + spec.name);
    pieces.push_back("--" + engine::dashed(spec.name));
  }
  int both_read = 0;
  for (int round = 0; round < 4000; ++round) {
    std::vector<std::string> words;
    for (std::uint64_t n = 1 + random() % 6; n > 0; --n) {
      // Flags and plain words in turn are what makes sense; the rest must be refused alike.
      const bool plain = words.size() % 2 == 1 && random() % 4 != 0;
      words.push_back(pieces[plain ? random() % 10 : random() % pieces.size()]);
    }
    std::string shown;
    for (const std::string& word : words) shown += "[" + word + "] ";

    const engine::FlagWords read = engine::read_flag_words(engine::train_schema(), words);
    std::vector<engine::Problem> ours = read.problems;
    const engine::ParamValues values = engine::values_of_flags(read.given, ours);
    bool refused = false;
    Parsed parsed;
    try {
      parsed = parse(words);
      refused = !parsed.problems.empty();
    } catch (const CLI::ParseError&) {
      refused = true;
    }
    ASSERT_EQ(refused, !ours.empty()) << shown;
    if (refused) continue;
    ++both_read;
    ASSERT_TRUE(parsed.values.same_values(values)) << shown;
  }
  EXPECT_GT(both_read, 200);
}

}  // namespace
}  // namespace paradigm
