// SPDX-License-Identifier: GPL-3.0-or-later
// The demo through the built program: what ./run --headless shows, held to golden losses.
#include "tests/support/program_run.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace {

using nlohmann::json;

std::vector<json> events_of(const std::filesystem::path& run, const std::string& type) {
  std::vector<json> events;
  std::ifstream file(run / "events.jsonl");
  for (std::string line; std::getline(file, line);) {
    json event = json::parse(line);
    if (event["type"] == type) events.push_back(std::move(event));
  }
  return events;
}

std::vector<json> train_demo(const tests::ScratchFolder& scratch,
                             const std::vector<std::string>& more) {
  const auto run = scratch / "run";
  std::vector<std::string> arguments = {
      "train", "--config", "resources/demo/run.yaml", "--device", "cpu", "--output_dir", run};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const auto result =
      tests::run_program(PARADIGM_BIN_DIR "/paradigm", arguments, "", PARADIGM_SOURCE_DIR,
                         {"XDG_CACHE_HOME=" + (scratch / "cache").string()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return events_of(run, "step");
}

/// Losses agree to 0.5 %: other processors sum in another order, and a read-out code may then move
/// by a level.
void expect_golden(const std::vector<json>& steps, const std::string& name) {
  std::ifstream golden(PARADIGM_SOURCE_DIR "/tests/golden/losses/" + name);
  std::int64_t step = 0;
  double loss = 0;
  std::size_t row = 0;
  for (; golden >> step >> loss; ++row) {
    ASSERT_LT(row, steps.size());
    EXPECT_EQ(steps[row]["step"], step);
    EXPECT_NEAR(steps[row]["loss"].get<double>(), loss, 0.005 * loss) << "step " << step;
  }
  EXPECT_EQ(row, 20u);
  EXPECT_EQ(steps.size(), 20u);
}

const std::vector<std::string> kTwentySteps = {"--max_steps",     "20", "--eval_steps", "20",
                                               "--save_strategy", "no"};

TEST(Demo, PlainLossesAreTheGoldenOnes) {
  const tests::ScratchFolder scratch;
  auto arguments = kTwentySteps;
  arguments.insert(arguments.end(), {"--transform_config", "none"});
  expect_golden(train_demo(scratch, arguments), "demo_plain_cpu.txt");
}

TEST(Demo, OpticalLossesAreTheGoldenOnes) {
  const tests::ScratchFolder scratch;
  expect_golden(train_demo(scratch, kTwentySteps), "demo_optical_cpu.txt");
}

TEST(Demo, LossEndsATenthBelowTheMeanOfTheFirstTenSteps) {
  const tests::ScratchFolder scratch;
  const auto steps = train_demo(scratch, {});
  ASSERT_EQ(steps.size(), 150u);
  double first = 0;
  for (int i = 0; i < 10; ++i) first += steps[i]["loss"].get<double>() / 10;
  EXPECT_LT(steps.back()["loss"].get<double>(), 0.9 * first);
  EXPECT_EQ(events_of(scratch / "run", "layer_transformed").size(), 32u);
  EXPECT_EQ(events_of(scratch / "run", "eval").size(), 3u);
}

}  // namespace
