// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/transform_record.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace engine {
namespace {

TEST(TransformRecord, IsReadBackFromTheConfigurationItWasWrittenInto) {
  const std::string config =
      with_transform_record(R"({"hidden_size": 8, "ours": [1]})", "transform.yaml", "ab12");
  const auto record = transform_record_of(config);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->file, "transform.yaml");
  EXPECT_EQ(record->digest, "ab12");
  const std::string without = with_transform_record(config, "transform.yaml", "");
  EXPECT_EQ(nlohmann::json::parse(without),
            nlohmann::json::parse(R"({"hidden_size": 8, "ours": [1]})"));
}

TEST(TransformRecord, IsNoneWhereNoFileBesideTheConfigurationIsNamed) {
  for (const char* none :
       {"{}", "not JSON", R"({"paradigm_workbench": 1})", R"({"paradigm_workbench": {}})",
        R"({"paradigm_workbench": {"transform_file": 3}})",
        R"({"paradigm_workbench": {"transform_file": ".."}})",
        R"({"paradigm_workbench": {"transform_file": "../transform.yaml"}})",
        R"({"paradigm_workbench": {"transform_file": "/etc/passwd"}})"}) {
    EXPECT_FALSE(transform_record_of(none)) << none;
  }
}

}  // namespace
}  // namespace engine
