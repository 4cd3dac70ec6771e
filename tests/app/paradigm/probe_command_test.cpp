// SPDX-License-Identifier: GPL-3.0-or-later
// `paradigm probe` as a program: what it prints, what it writes, how it refuses.
#include "engine/checkpoint/safetensors_file.h"
#include "engine/data/number_file.h"
#include "tests/support/program_run.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using tests::ProgramRun;

class ProbeCommand : public testing::Test {
 protected:
  ProbeCommand() : input_(scratch_ / "in.safetensors"), output_(scratch_ / "out.safetensors") {
    std::mt19937 generator(1);
    std::normal_distribution<float> normal;
    for (int i = 0; i < kRows * kIn; ++i) x_.push_back(normal(generator));
    for (int i = 0; i < kOut * kIn; ++i) weight_.push_back(normal(generator));
    engine::write_safetensors(input_,
                              {{"x", "F32", {kRows, kIn}, std::as_bytes(std::span(x_))},
                               {"weight", "F32", {kOut, kIn}, std::as_bytes(std::span(weight_))}});
  }

  ProgramRun probe(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {"probe"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return tests::run_program(PARADIGM_BIN_DIR "/paradigm", arguments, "", PARADIGM_SOURCE_DIR, {});
  }

  std::vector<std::string> linear(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {
        "--paradigm", "optical_transformer", "--op",     "linear",
        "--input",    input_.string(),       "--output", output_.string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  double exact(int row, int column) const {
    double sum = 0;
    for (int k = 0; k < kIn; ++k) sum += double(x_[row * kIn + k]) * weight_[column * kIn + k];
    return sum;
  }

  void expect_refused(const ProgramRun& run, const std::vector<std::string>& words) const {
    EXPECT_EQ(run.exit_code, 2) << run.out << run.err;
    for (const std::string& word : words)
      EXPECT_NE(run.err.find(word), std::string::npos) << word << " is not in: " << run.err;
    EXPECT_FALSE(fs::exists(output_));
  }

  static constexpr int kRows = 16, kIn = 12, kOut = 6;
  tests::ScratchFolder scratch_;
  fs::path input_, output_;
  std::vector<float> x_, weight_;
};

TEST_F(ProbeCommand, WritesTheOutputsAndPrintsTheirErrors) {
  const ProgramRun run = probe(linear({"--repeat", "4", "--range", "x=-4,4", "--param",
                                       "q_levels=128", "--json", "--layer", "lab.0"}));
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const json report = json::parse(run.out);
  EXPECT_EQ(report["params"]["q_levels"], 128);
  EXPECT_EQ(report["output"]["shape"], json::array({4, kRows, kOut}));
  EXPECT_EQ(report["ranges"]["x"]["high"], 4.0);
  EXPECT_EQ(report["ranges"]["x"]["given"], true);
  EXPECT_EQ(report["ranges"]["out"]["given"], false);
  EXPECT_GT(report["error"]["sqnr_db"], 15.0);
  EXPECT_LT(std::abs(double(report["error"]["mean"])), report["error"]["standard_deviation"]);

  const engine::NumberArray y = engine::read_number_file(output_, "y");
  double squares = 0;
  for (int draw = 0; draw < 4; ++draw) {
    for (int i = 0; i < kRows * kOut; ++i) {
      squares += std::pow(y.values[draw * kRows * kOut + i] - exact(i / kOut, i % kOut), 2);
    }
  }
  const double mean = report["error"]["mean"], spread = report["error"]["standard_deviation"];
  EXPECT_NEAR(squares / y.values.size(), mean * mean + spread * spread, 1e-9);
  EXPECT_EQ(engine::SafetensorsFile(output_).metadata().at("param.q_levels"), "128");
}

TEST_F(ProbeCommand, SaysTheSameInWords) {
  const ProgramRun run = probe(linear());
  ASSERT_EQ(run.exit_code, 0) << run.err;
  for (const char* word : {"one draw from step 0", "range weight", "SQNR", "y F32 [16, 6]"})
    EXPECT_NE(run.out.find(word), std::string::npos) << run.out;
}

TEST_F(ProbeCommand, HoldsTheSimulationAgainstAMeasurement) {
  std::mt19937 generator(2);
  std::normal_distribution<double> normal;
  std::vector<float> readings;
  for (int repeat = 0; repeat < 5; ++repeat) {
    for (int i = 0; i < kRows * kOut; ++i) {
      readings.push_back(
          static_cast<float>(0.9 * exact(i / kOut, i % kOut) - 0.1 + 0.3 * normal(generator)));
    }
  }
  const fs::path lab = scratch_ / "lab.safetensors";
  engine::write_safetensors(lab,
                            {{"y", "F32", {5, kRows, kOut}, std::as_bytes(std::span(readings))}});
  const fs::path rule = scratch_ / "rule.yaml";
  const ProgramRun run =
      probe(linear({"--measured", lab.string(), "--rule", rule.string(), "--json"}));
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const json hardware = json::parse(run.out)["measured"]["hardware"];
  for (const auto& [name, planted] :
       {std::pair{"gain", 0.9}, std::pair{"offset", -0.1}, std::pair{"noise", 0.3}}) {
    EXPECT_LE(double(hardware[name]["low"]), planted) << name;
    EXPECT_GE(double(hardware[name]["high"]), planted) << name;
  }
  const ProgramRun plan =
      tests::run_program(PARADIGM_BIN_DIR "/paradigm",
                         {"plan", "resources/demo/checkpoint", "--transform_config", rule.string()},
                         "", PARADIGM_SOURCE_DIR);
  EXPECT_EQ(plan.exit_code, 0) << plan.err << tests::content_of(rule);

  const ProgramRun words = probe(linear({"--measured", lab.string()}));
  EXPECT_EQ(words.exit_code, 0) << words.err;
  for (const char* word : {"measurement", "residuals against signal", "channels (last dimension)",
                           "repeat 4", "q_levels", "out.yaml"})
    EXPECT_NE(words.out.find(word), std::string::npos) << word << "\n" << words.out;
}

TEST_F(ProbeCommand, RefusesWhatCannotBeDone) {
  expect_refused(probe(linear({"--param", "q_level=4"})), {"q_level", "Did you mean q_levels?"});
  expect_refused(probe(linear({"--param", "q_levels"})), {"key=value"});
  expect_refused(probe(linear({"--range", "x=low,high"})), {"--range", "x=-1,1"});
  expect_refused(probe(linear({"--op", "liner"})), {"liner", "Did you mean linear?"});
  expect_refused(probe(linear({"--repeat", "0"})), {"--repeat", "at least 1"});
  expect_refused(probe(linear({"--repeat", "4000000000"})), {"--repeat", "GB", "at most"});
  for (const char* step : {"4294967295", "9223372036854775807"}) {
    expect_refused(probe(linear({"--step", step, "--repeat", "2"})), {"--step", step, "--repeat"});
  }
  for (const char* flag : {"--seed", "--step", "--repeat"}) {
    for (const char* value : {"99999999999999999999", "1.5", "many", "-1"})
      expect_refused(probe(linear({flag, value})), {flag, value, "whole number"});
  }
  expect_refused(probe(linear({"--layer", "\xff"})), {"--layer", "UTF-8"});
  expect_refused(probe(linear({"--role", "weight"})), {"--role", "--op tensor"});
  expect_refused(probe(linear({"--no-causal"})), {"--no-causal", "--op attention"});
  expect_refused(probe(linear({"--op", "matmul"})), {"\"a\"", "It holds: weight, x"});
  expect_refused(probe(linear({"--device", "gpu"})), {"--device"});
  expect_refused(probe(linear({"--input", (scratch_ / "none").string()})), {"none"});
  expect_refused(probe({"--op", "linear"}), {"--input", "--output"});
  const ProgramRun refused = probe(linear({"--param", "q_level=4", "--json"}));
  EXPECT_EQ(json::parse(refused.out)["problems"][0]["remedy"], "Did you mean q_levels?");
}

TEST_F(ProbeCommand, AFailureKeepsTheOldOutput) {
  ASSERT_EQ(probe(linear()).exit_code, 0);
  const std::string before = tests::content_of(output_);
  EXPECT_EQ(
      probe(linear({"--measured", (scratch_ / "none.npy").string(), "--step", "5"})).exit_code, 2);
  EXPECT_EQ(tests::content_of(output_), before);
  EXPECT_EQ(probe(linear({"--step", "5"})).exit_code, 0);
  EXPECT_NE(tests::content_of(output_), before);
  if (fs::exists("/dev/full")) {
    const ProgramRun full = probe(linear({"--output", "/dev/full/out.safetensors"}));
    EXPECT_EQ(full.exit_code, 2);
    EXPECT_NE(full.err.find("there is no folder"), std::string::npos) << full.err;
  }
}

TEST_F(ProbeCommand, ChecksItself) {
  const ProgramRun run = probe({"--self-check", "--samples", "300000"});
  EXPECT_EQ(run.exit_code, 0) << run.out << run.err;
  for (const char* word : {"optical_transformer", "lag 1", "two layers", "rows pass", "bounds"})
    EXPECT_NE(run.out.find(word), std::string::npos) << run.out;
  const ProgramRun as_json = probe({"--self-check", "--samples", "300000", "--json"});
  const json report = json::parse(as_json.out);
  EXPECT_EQ(report["pass"], true);
  EXPECT_GE(report["checks"][0]["samples"], 300000);
  expect_refused(probe({"--self-check", "--samples", "3"}), {"--samples", "at least 1000"});
}

}  // namespace
