// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/bench_config.h"
#include "engine/config/sweep_schema.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

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

BenchConfig debug_config() {
  BenchConfig config;
  config.flavor = "debug";
  return config;
}

TEST(BenchSchema, MoreThreadsThanTheProcessorsCanServeAreRefusedByValue) {
  BenchConfig config = debug_config();
  const auto processors = static_cast<std::int64_t>(std::thread::hardware_concurrency());
  config.threads = 4 * processors;
  EXPECT_TRUE(problems_in(config).empty());
  config.threads = 4 * processors + 1;
  const std::vector<Problem> problems = problems_in(config);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].place.file, "--threads");
  EXPECT_EQ(problems[0].value, std::to_string(4 * processors + 1));
  EXPECT_NE(problems[0].remedy.find("at most " + std::to_string(4 * processors)),
            std::string::npos);
}

TEST(BenchSchema, TracesNeedAFolderThatCanBeMade) {
  const tests::ScratchFolder scratch;
  BenchConfig config = debug_config();
  config.profile = (scratch / "new/traces").string();
  EXPECT_TRUE(problems_in(config).empty());
  EXPECT_FALSE(std::filesystem::exists(scratch / "new")) << "a check makes nothing";
  const std::string file = scratch.write("traces.json", "{}").string();
  for (const std::string& folder : {file, file + "/below", std::string()}) {
    config.profile = folder;
    const std::vector<Problem> problems = problems_in(config);
    ASSERT_EQ(problems.size(), 1u) << folder;
    EXPECT_EQ(problems[0].place.file, "--profile");
    EXPECT_FALSE(problems[0].remedy.empty());
  }
}

TEST(BenchSchema, ATransformGivenTwiceIsRefusedHoweverItIsSpelt) {
  const tests::ScratchFolder scratch;
  const std::string file = scratch.write("optical.yaml", "").string();
  const std::string other = scratch.write("other/optical.yaml", "").string();
  BenchConfig config = debug_config();
  config.transform_configs = {file, other};
  EXPECT_TRUE(problems_in(config).empty());
  config.transform_configs = {file, other, scratch.path().string() + "/./other/../optical.yaml"};
  const std::vector<Problem> problems = problems_in(config);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].place.file, "--transform_config");
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
