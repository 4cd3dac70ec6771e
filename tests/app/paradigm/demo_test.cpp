// SPDX-License-Identifier: GPL-3.0-or-later
// The demo through the built program: what ./run --headless shows, held to golden losses.
#include "tests/support/program_run.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
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

std::vector<json> train(const tests::ScratchFolder& scratch, std::vector<std::string> arguments) {
  const auto run = scratch / "run";
  arguments.insert(arguments.begin(), "train");
  arguments.insert(arguments.end(), {"--device", "cpu", "--output_dir", run});
  const auto result =
      tests::run_program(PARADIGM_BIN_DIR "/paradigm", arguments, "", PARADIGM_SOURCE_DIR,
                         {"XDG_CACHE_HOME=" + (scratch / "cache").string()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return events_of(run, "step");
}

std::vector<json> train_demo(const tests::ScratchFolder& scratch,
                             const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"--config", "resources/demo/run.yaml"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return train(scratch, arguments);
}

/// The demo's configuration and tokenizer, its weights forgotten.
std::vector<json> train_demo_from_scratch(const tests::ScratchFolder& scratch,
                                          const std::string& transform) {
  const auto steps =
      train(scratch, {"--config_name",
                      "resources/demo/checkpoint/config.json",
                      "--tokenizer_name",
                      "resources/demo/checkpoint",
                      "--train_file",
                      "resources/demo/notes_train.txt",
                      "--transform_config",
                      transform,
                      "--block_size",
                      "128",
                      "--per_device_train_batch_size",
                      "8",
                      "--max_steps",
                      "40",
                      "--learning_rate",
                      "1e-3",
                      "--logging_steps",
                      "1",
                      "--save_strategy",
                      "no"});
  return steps;
}

double mean_loss(const std::vector<json>& steps, std::size_t first, std::size_t count) {
  double sum = 0;
  for (std::size_t i = first; i < first + count; ++i) sum += steps.at(i)["loss"].get<double>();
  return sum / static_cast<double>(count);
}

/// The last ten steps against the first ten.
void expect_falling_loss(const std::vector<json>& steps, double factor) {
  ASSERT_EQ(steps.size(), 40u);
  EXPECT_LT(mean_loss(steps, 30, 10), factor * mean_loss(steps, 0, 10));
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
  EXPECT_LT(steps.back()["loss"].get<double>(), 0.9 * mean_loss(steps, 0, 10));
  EXPECT_EQ(events_of(scratch / "run", "layer_transformed").size(), 32u);
  EXPECT_EQ(events_of(scratch / "run", "eval").size(), 3u);
}

TEST(Demo, LearnsUnderBitFlips) {
  const tests::ScratchFolder scratch;
  const auto steps =
      train_demo(scratch, {"--transform_config", "configs/transforms/random_bitflip.yaml",
                           "--max_steps", "40", "--layer_stats_steps", "10", "--do_eval", "false"});
  expect_falling_loss(steps, 0.7);
  EXPECT_EQ(events_of(scratch / "run", "layer_transformed").size(), 28u);
  // 2^-16 of every bit of 28 weights and activations: the flips are there in each sampled step.
  const auto stats = events_of(scratch / "run", "layer_stats");
  ASSERT_EQ(stats.size(), 4u);
  for (const json& event : stats) {
    std::map<std::string, double> sums;
    for (const json& value : event["values"])
      sums[value["statistic"].get<std::string>()] += value["value"].get<double>();
    for (const char* flips :
         {"x_exponent_flips", "x_fraction_flips", "w_exponent_flips", "w_fraction_flips"})
      EXPECT_GT(sums[flips], 0) << flips << " at step " << event["step"];
  }
}

TEST(Demo, LearnsUnderBitFlipsFromScratch) {
  const tests::ScratchFolder scratch;
  expect_falling_loss(train_demo_from_scratch(scratch, "configs/transforms/random_bitflip.yaml"),
                      0.8);
}

TEST(Demo, LearnsOnOpticsFromScratch) {
  const tests::ScratchFolder scratch;
  expect_falling_loss(
      train_demo_from_scratch(scratch, "configs/transforms/optical_transformer.yaml"), 0.8);
}

}  // namespace
