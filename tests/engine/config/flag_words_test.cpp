// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/flag_words.h"

#include "engine/config/run_config.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

using Words = std::vector<std::string>;

TEST(FlagWords, ABooleanTakesTheNextWordOnlyIfItIsNoFlag) {
  const FlagWords read = read_flag_words(
      train_schema(), {"--bf16", "--do_train", "false", "--seed", "-1", "--no_keep_linebreaks"});
  EXPECT_TRUE(read.problems.empty());
  std::vector<Problem> problems;
  const ParamValues values = values_of_flags(read.given, problems);
  EXPECT_TRUE(problems.empty());
  EXPECT_TRUE(values.get_bool("bf16"));
  EXPECT_FALSE(values.get_bool("do_train"));
  EXPECT_EQ(values.get_int("seed"), -1);
  EXPECT_FALSE(values.get_bool("keep_linebreaks"));
}

TEST(FlagWords, UnknownFlagsTakeTheirWordAlongAndNameTheNearest) {
  const FlagWords read = read_flag_words(train_schema(), {"--max_step", "7", "--seed", "3", "stray",
                                                          "\xE2\x80\x93\xE2\x80\x93"
                                                          "bf16"});
  ASSERT_EQ(read.problems.size(), 3u);
  EXPECT_EQ(read.problems[0].remedy, "Did you mean --max_steps?");
  EXPECT_EQ(read.problems[1].value, "stray");
  EXPECT_NE(read.problems[2].remedy.find("a long dash"), std::string::npos);
  ASSERT_EQ(read.given.size(), 1u);
  EXPECT_EQ(read.given[0].text, "3");
}

TEST(FlagWords, OtherFlagsOfACommandAreKeptApart) {
  const FlagWords read =
      read_flag_words(train_schema(), {"--config", "a.yaml", "--json", "--seed=1"},
                      {{"config", true}, {"json", false}});
  EXPECT_TRUE(read.problems.empty());
  ASSERT_EQ(read.others.size(), 2u);
  EXPECT_EQ(read.others[0].second, "a.yaml");
  EXPECT_EQ(read.given.size(), 1u);
  EXPECT_EQ(read_flag_words(train_schema(), {"--seed"}).problems.size(), 1u);
}

TEST(FlagWords, WrittenInTheOrderOfTheTableWithoutAComma) {
  ParamValues values;
  values.set("learning_rate", 1e-5);
  values.set("bf16", true);
  values.set("keep_linebreaks", false);
  values.set("output_dir", std::string("-odd name"));
  EXPECT_EQ(flag_words(train_schema(), values),
            (Words{"--keep_linebreaks", "false", "--output_dir", "./-odd name", "--bf16",
                   "--learning_rate", "1.0e-05"}));
}

TEST(FlagWords, DefaultsAreAddedWithoutTheRefusedAndTheUnset) {
  const Words words = flag_words(train_schema(), {}, true);
  const FlagWords read = read_flag_words(train_schema(), words);
  EXPECT_TRUE(read.problems.empty());
  EXPECT_GT(read.given.size(), 20u);
  std::vector<Problem> problems;
  const ParamValues values = values_of_flags(read.given, problems);
  EXPECT_TRUE(problems.empty());
  EXPECT_TRUE(problems_in(train_schema(), values).empty());
  for (const PlacedValue& entry : values.entries()) {
    const ParamSpec* spec = train_schema().find(entry.name);
    EXPECT_EQ(entry.value, spec->default_value) << entry.name;
    EXPECT_TRUE(spec->refused_because.empty()) << entry.name;
  }
  EXPECT_FALSE(values.contains("max_train_samples"));
}

}  // namespace
}  // namespace engine
