// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cost_estimate_json.h"

#include <gtest/gtest.h>

namespace app {
namespace {

TEST(CostEstimateJson, IsReadBackAsItWasWritten) {
  engine::CostEstimate written;
  written.device = "cpu";
  written.device_name = "Some processor";
  written.probe_steps = 4;
  written.max_steps = 150;
  written.batch_size = 8;
  written.accumulation = 2;
  written.tokens_per_step = 2048;
  written.step_seconds = 0.25;
  written.step_seconds_error = 0.01;
  written.plain_step_seconds = 0.125;
  written.slowdown = 2;
  written.rules = {{.pattern = "lm_head", .layers = 1, .step_seconds = 0.15, .slowdown = 1.2}};
  written.evaluation_seconds = 3;
  written.saving_seconds = 0.5;
  written.total_seconds = 41;
  written.total_seconds_error = 2;
  written.peak_bytes = 534'000'000;
  written.peak_bytes_error = 40'000'000;
  written.available_bytes = 24'000'000'000;
  written.fits = false;
  written.checkpoint_bytes = 11'800'000;
  written.kept_checkpoints = 2;
  written.disk_bytes = 27'600'000;
  written.free_disk_bytes = 70'000'000'000;
  written.notes = {"8 sequences do not fit"};
  const auto json = json_of(written);
  const auto read = cost_estimate_from(nlohmann::json::parse(json.dump()));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(json_of(*read), json);
  EXPECT_EQ(read->rules.front().pattern, "lm_head");
  EXPECT_FALSE(read->fits);
}

TEST(CostEstimateJson, WhatIsNotKnownStaysSo) {
  const auto read = cost_estimate_from(nlohmann::json::parse(json_of({}).dump()));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->peak_bytes, -1);
  EXPECT_EQ(read->total_seconds, -1);
  EXPECT_TRUE(read->fits);
}

TEST(CostEstimateJson, OtherJsonIsNone) {
  EXPECT_FALSE(cost_estimate_from(nlohmann::json::parse("[1]")).has_value());
  EXPECT_FALSE(cost_estimate_from(nlohmann::json::parse(R"({"problems": []})")).has_value());
}

}  // namespace
}  // namespace app
