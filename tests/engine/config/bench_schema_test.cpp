// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/bench_config.h"
#include "engine/config/sweep_schema.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

TEST(BenchSchema, EveryFlagHasHelpAGroupAndADefault) {
  for (const ParamSchema* schema : {&bench_schema(), &sweep_schema()}) {
    for (const ParamSpec& spec : schema->specs()) {
      EXPECT_FALSE(spec.help_text.empty()) << spec.name;
      EXPECT_FALSE(spec.group_name.empty()) << spec.name;
      EXPECT_EQ(schema->find(spec.name), &spec) << spec.name << " is there twice";
      EXPECT_TRUE(is_set(spec.default_value) || spec.is_nullable) << spec.name;
    }
  }
}

TEST(BenchSchema, FlagsAreRead) {
  ParamValues given;
  given.set("flavor", std::string("60M"));
  given.set("batch_size", std::int64_t{3});
  given.set("bf16", true);
  given.set("threads", std::int64_t{2});
  given.set("use_cpu", true);
  given.set("per_rule", true);
  ASSERT_TRUE(problems_in(bench_schema(), given).empty());
  const BenchConfig config = bench_config_from(given);
  EXPECT_EQ(config.flavor, "60M");
  EXPECT_EQ(config.batch_size, 3);
  EXPECT_EQ(config.seq_len, 512);
  EXPECT_TRUE(config.bf16);
  EXPECT_EQ(config.threads, 2);
  EXPECT_EQ(config.device, "cpu");
  EXPECT_TRUE(config.per_rule);
  EXPECT_TRUE(problems_in(config).empty());
}

TEST(BenchSchema, OneModelIsNamedAndNotTwo) {
  EXPECT_EQ(problems_in(BenchConfig{}).size(), 1u);
  BenchConfig both;
  both.flavor = "60M";
  both.model_name_or_path = "somewhere";
  EXPECT_EQ(problems_in(both).size(), 1u);
  both.model_name_or_path.reset();
  both.device = "gpu";
  EXPECT_EQ(problems_in(both).at(0).place.file, "--device");
}

TEST(BenchSchema, SizesOutOfRangeAreRefused) {
  for (const char* name : {"batch_size", "seq_len", "threads", "rounds", "repeats", "steps"}) {
    ParamValues given;
    given.set(name, std::int64_t{0});
    EXPECT_EQ(problems_in(bench_schema(), given).size(), 1u) << name;
    given.set(name, std::int64_t{1} << 40);
    EXPECT_EQ(problems_in(bench_schema(), given).size(), 1u) << name;
  }
}

}  // namespace
}  // namespace engine
