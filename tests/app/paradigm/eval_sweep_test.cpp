// SPDX-License-Identifier: GPL-3.0-or-later
// `paradigm eval` as a program: a sweep of the demo, its files, its refusals, its end by a signal.
#include "tests/support/program_run.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace {

using nlohmann::json;

class EvalSweep : public ::testing::Test {
 protected:
  tests::ProgramRun run(const std::vector<std::string>& more,
                        const std::vector<std::string>& before = {}) const {
    std::vector<std::string> arguments = before;
    arguments.insert(arguments.end(),
                     {"eval", "--model_name_or_path", "resources/demo/checkpoint",
                      "--validation_file", "resources/demo/stories_validation.txt", "--block_size",
                      "128", "--max_eval_samples", "4", "--calibrate_batches", "1", "--device",
                      "cpu", "--transform_config", "configs/transforms/optical_transformer.yaml"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    const std::string program = before.empty() ? PARADIGM_BIN_DIR "/paradigm" : "/usr/bin/env";
    return tests::run_program(program, arguments, "", PARADIGM_SOURCE_DIR,
                              {"XDG_CACHE_HOME=" + (folder_ / "cache").string()});
  }

  tests::ScratchFolder folder_;
};

TEST_F(EvalSweep, WritesTableFileAndFigure) {
  const auto csv = folder_ / "table.csv";
  const auto svg = folder_ / "figure.svg";
  const auto result = run(
      {"--sweep", "q_levels=4,256", "--noise_seeds", "2", "--csv", csv, "--figure", svg, "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json swept = json::parse(result.out);
  ASSERT_EQ(swept["cells"].size(), 2u);
  EXPECT_GT(swept["cells"][0]["eval_loss"]["mean"], swept["cells"][1]["eval_loss"]["mean"])
      << "two bits lose more than eight";
  EXPECT_TRUE(tests::content_of(csv).starts_with("q_levels,semantics,"));
  EXPECT_TRUE(tests::content_of(svg).starts_with("<svg "));
  EXPECT_NE(result.err.find("q_levels=256 (2/2)"), std::string::npos) << result.err;
}

TEST_F(EvalSweep, RefusesWhatItCannotSweep) {
  const auto refused = [&](const std::vector<std::string>& arguments, const std::string& words) {
    const auto result = run(arguments);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_NE(result.err.find(words), std::string::npos) << result.err;
    EXPECT_EQ(result.out, "");
  };
  refused({"--sweep", "q_levels"}, "names no parameter");
  refused({"--sweep", "q_levles=4"}, "Did you mean q_levels?");
  refused({"--sweep", "q_levels=4,1"}, "--sweep: error: q_levels is 1");
  refused({"--sweep", "q_levels=4", "--noise_seeds", "0"}, "noise_seeds");
  refused({"--csv", folder_ / "table.csv"}, "--csv belongs to a sweep");
  refused({"--sweep", "q_levels=4", "--csv", folder_ / "absent/table.csv"}, "there is no folder");
  refused({"--noise_seeds", "2", "--figure", folder_ / "a.svg"}, "one swept parameter");
}

TEST_F(EvalSweep, ASignalEndsItAtOnceAndLeavesNothing) {
  const auto csv = folder_ / "table.csv";
  const auto started = std::chrono::steady_clock::now();
  const auto result =
      run({"--sweep", "q_levels=4,8,16,32,64", "--noise_seeds", "5000", "--csv", csv},
          {"timeout", "--preserve-status", "-s", "INT", "3", PARADIGM_BIN_DIR "/paradigm"});
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - started;
  EXPECT_EQ(result.exit_code, 130) << result.err;
  EXPECT_LT(taken.count(), 10);
  EXPECT_FALSE(std::filesystem::exists(csv));
}

}  // namespace
