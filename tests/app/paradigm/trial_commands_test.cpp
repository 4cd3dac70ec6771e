// SPDX-License-Identifier: GPL-3.0-or-later
// `paradigm try` and `paradigm scan` as programs, on the demo.
#include "tests/support/program_run.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace {

using nlohmann::json;

class TrialCommands : public ::testing::Test {
 protected:
  tests::ProgramRun run(const std::string& command, const std::vector<std::string>& more,
                        const std::vector<std::string>& before = {}) const {
    std::vector<std::string> arguments = before;
    arguments.insert(
        arguments.end(),
        {command, "--model_name_or_path", "resources/demo/checkpoint", "--validation_file",
         "resources/demo/stories_validation.txt", "--block_size", "32", "--batches", "3",
         "--batch_size", "2", "--calibrate_batches", "1", "--noise_seeds", "2", "--device", "cpu"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    const std::string program = before.empty() ? PARADIGM_BIN_DIR "/paradigm" : "/usr/bin/env";
    return tests::run_program(program, arguments, "", PARADIGM_SOURCE_DIR,
                              {"XDG_CACHE_HOME=" + (folder_ / "cache").string()});
  }
  /// Four layers at two bits, so that there is little to scan and much to find.
  std::string few_layers() const {
    return transform(
        "  model\\.layers\\.[0-9]+\\.mlp\\.down_proj: {q_levels: 4}\n  default: null\n");
  }
  std::string transform(const std::string& rules) const {
    return folder_.write("rules.yaml", "layer_name_to_config:\n" + rules).string();
  }

  tests::ScratchFolder folder_;
};

TEST_F(TrialCommands, TryTellsWhatATransformCosts) {
  const auto coarse = transform("  default: {q_levels: 4}\n");
  const auto result = run("try", {"--transform_config", coarse, "--prompt", "The ", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json tried = json::parse(result.out);
  EXPECT_GT(tried["difference"]["low"], 0) << "two bits cost something";
  EXPECT_TRUE(tried["difference"]["distinguishable"]);
  EXPECT_EQ(tried["layers"].size(), tried["transformed_layers"]);
  EXPECT_EQ(tried["prompt"], "The ");
  EXPECT_EQ(tried["tokens"][0]["plain_rank"], 1);
  EXPECT_EQ(tried["measured"]["noise_draws"], 2);
  const auto text = run("try", {"--transform_config", coarse});
  EXPECT_NE(text.out.find("difference   +"), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("SQNR"), std::string::npos);
}

TEST_F(TrialCommands, ScanProposesAFileThatPlanReadsAndGoesOnWhereItWas) {
  const auto rules = few_layers();
  const auto output = (folder_ / "kept.yaml").string();
  const std::vector<std::string> arguments = {
      "--transform_config", rules, "--output", output, "--results", folder_ / "cells.jsonl",
      "--flops_budget",     "40",  "--json"};
  const auto result = run("scan", arguments);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json scanned = json::parse(result.out);
  EXPECT_EQ(scanned["reused_cells"], 0);
  ASSERT_FALSE(scanned["proposal"]["layers"].empty()) << scanned["proposal"]["summary"];
  EXPECT_EQ(tests::content_of(output), scanned["proposal"]["yaml"]);
  const auto plan = tests::run_program(
      PARADIGM_BIN_DIR "/paradigm",
      {"plan", "resources/demo/checkpoint", "--transform_config", output, "--json"}, "",
      PARADIGM_SOURCE_DIR);
  ASSERT_EQ(plan.exit_code, 0) << plan.err;

  const auto again = run("scan", arguments);
  ASSERT_EQ(again.exit_code, 0) << again.err;
  const json second = json::parse(again.out);
  EXPECT_EQ(second["measured_cells"], 0);
  EXPECT_EQ(second["entries"], scanned["entries"]);
}

TEST_F(TrialCommands, AScanThatWasKilledGoesOn) {
  const auto rules = few_layers();
  const std::vector<std::string> arguments = {"--transform_config",    rules,       "--results",
                                              folder_ / "cells.jsonl", "--batches", "600"};
  const auto started = std::chrono::steady_clock::now();
  const auto killed =
      run("scan", arguments,
          {"timeout", "--preserve-status", "-s", "INT", "6", PARADIGM_BIN_DIR "/paradigm"});
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - started;
  if (killed.exit_code == 0) GTEST_SKIP() << "this machine is too fast to kill it in time";
  EXPECT_EQ(killed.exit_code, 130) << killed.err;
  EXPECT_LT(taken.count(), 15);
  const auto lines = [&] {
    const std::string text = tests::content_of(folder_ / "cells.jsonl");
    return std::count(text.begin(), text.end(), '\n');
  };
  const auto known = lines();
  auto brief = arguments;
  brief.insert(brief.end(), {"--no_layers", "--no_one_off", "--json"});
  const auto result = run("scan", brief);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_GE(json::parse(result.out)["reused_cells"], known > 0 ? 1 : 0);
}

TEST_F(TrialCommands, RefuseWhatCannotBeTried) {
  const auto rules = transform("  default: {q_levels: 8}\n");
  const auto refused = [&](const std::string& command, const std::vector<std::string>& arguments,
                           const std::string& words) {
    const auto result = run(command, arguments);
    EXPECT_EQ(result.exit_code, 2) << words;
    EXPECT_NE(result.err.find(words), std::string::npos) << result.err;
    EXPECT_EQ(result.out, "");
  };
  refused("try", {}, "nothing to try");
  refused("try", {"--transform_config", folder_ / "absent.yaml"}, "absent.yaml");
  refused("try", {"--transform_config", rules, "--batches", "0"}, "batches");
  refused("try", {"--transform_config", rules, "--noise_seeds", "x"}, "noise_seeds");
  refused("try", {"--transform_config", rules, "--validation_file", folder_ / "absent.txt"},
          "absent.txt");
  refused("try",
          {"--transform_config", rules, "--validation_file", folder_.write("short.txt", "one two")},
          "short.txt");
  refused("try", {"--transform_config", folder_.write("bad.yaml", "layer_name_to_config: [")},
          "bad.yaml:1");
  refused("scan", {"--transform_config", rules, "--output", rules}, "--output");
  refused("scan", {"--transform_config", rules, "--no_one_on", "--no_one_off"}, "one_on");
  refused("scan", {"--transform_config", rules, "--flops_budget", "200"}, "flops_budget");
  refused("scan", {"--transform_config", rules, "--output", folder_ / "absent/kept.yaml"},
          "there is no folder");
  refused("scan",
          {"--transform_config",
           folder_.write("null.yaml", "layer_name_to_config:\n  default: null\n")},
          "nothing to scan");
}

}  // namespace
