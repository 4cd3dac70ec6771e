// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/transform_yaml.h"

#include "engine/transform/paradigm_info.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace engine {
namespace {

TEST(TransformYaml, ReadBackItIsTheSameRules) {
  int files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(PARADIGM_SOURCE_DIR "/configs/transforms")) {
    const ParsedTransform before = read_transform_config(entry.path(), paradigm_infos());
    const std::string text = transform_yaml(before.config, "made");
    const ParsedTransform after = parse_transform_config(text, "made.yaml", paradigm_infos());
    ASSERT_FALSE(has_errors(after.problems)) << to_string(after.problems.front()) << text;
    EXPECT_EQ(after.config.use_regex, before.config.use_regex);
    ASSERT_EQ(after.config.rules.size(), before.config.rules.size());
    for (std::size_t i = 0; i < after.config.rules.size(); ++i) {
      const TransformRule& one = before.config.rules[i];
      const TransformRule& other = after.config.rules[i];
      EXPECT_EQ(one.pattern, other.pattern);
      EXPECT_EQ(one.leave_alone, other.leave_alone);
      EXPECT_EQ(one.paradigm, other.paradigm);
      EXPECT_TRUE(one.values.same_values(other.values)) << text;
    }
    ++files;
  }
  EXPECT_GT(files, 3);
}

TEST(TransformYaml, QuotesWhatYamlWouldReadOtherwise) {
  TransformConfig config;
  TransformRule& rule = config.rules.emplace_back();
  rule.pattern = "it's: a \\d+ # pattern";
  rule.leave_alone = true;
  const ParsedTransform read =
      parse_transform_config(transform_yaml(config, "made"), "made.yaml", paradigm_infos());
  ASSERT_EQ(read.config.rules.size(), 1u);
  EXPECT_EQ(read.config.rules[0].pattern, config.rules[0].pattern);
}

}  // namespace
}  // namespace engine
