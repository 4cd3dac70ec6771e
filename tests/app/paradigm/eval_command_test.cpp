// SPDX-License-Identifier: GPL-3.0-or-later
// `paradigm eval` with its engine: "what does this hardware do to my model" as one command.
#include "tests/support/program_run.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_llama.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace {

using nlohmann::json;
using tests::ProgramRun;

class EvalCommand : public testing::Test {
 protected:
  EvalCommand() {
    tests::write_tiny_llama(scratch_ / "model");
    scratch_.write("text.txt", tests::tiny_text(3000));
    scratch_.write("optical.yaml",
                   "use_regex: true\nlayer_name_to_config:\n  lm_head: null\n  default:\n    "
                   "q_levels: 256\n");
  }

  ProgramRun eval(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {"eval",     "--model_name_or_path",
                                          "model",    "--validation_file",
                                          "text.txt", "--block_size",
                                          "16",       "--device",
                                          "cpu",      "--per_device_eval_batch_size",
                                          "2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return tests::run_program(PARADIGM_BIN_DIR "/paradigm", arguments, "", scratch_.path(),
                              {"XDG_CACHE_HOME=" + (scratch_ / "cache").string()});
  }

  tests::ScratchFolder scratch_;
};

TEST_F(EvalCommand, NamesItsNumbersAsHuggingFaceDoes) {
  const ProgramRun run = eval({"--json"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const json result = json::parse(run.out);
  EXPECT_NEAR(result["perplexity"].get<double>(), std::exp(result["eval_loss"].get<double>()),
              1e-9);
  EXPECT_GT(result["eval_tokens"].get<int>(), 1000);
  EXPECT_GE(result["eval_runtime"].get<double>(), 0);
  EXPECT_EQ(result["transform"], "none");
  const json bf16 = json::parse(eval({"--json", "--bf16"}).out);
  EXPECT_NEAR(bf16["eval_loss"].get<double>(), result["eval_loss"].get<double>(), 0.05);
}

TEST_F(EvalCommand, CalibratesOnOtherTextFirstAndSaysSoInTextAndJson) {
  const json plain = json::parse(eval({"--json"}).out);
  const ProgramRun run = eval({"--transform_config", "optical.yaml", "--json"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const json result = json::parse(run.out);
  EXPECT_EQ(result["calibrated_batches"], 8);
  EXPECT_EQ(result["eval_tokens"].get<int>(), plain["eval_tokens"].get<int>() - 8 * 2 * 15)
      << "the text that calibrates is not measured";
  EXPECT_NE(result["notes"].dump().find("calibrated on 8 batches (16 blocks)"), std::string::npos)
      << result["notes"];

  const ProgramRun text = eval({"--transform_config", "optical.yaml", "--calibrate_batches", "3"});
  EXPECT_NE(text.out.find("calibrated on  3 batches, then frozen"), std::string::npos) << text.out;

  const ProgramRun never = eval({"--transform_config", "optical.yaml", "--calibrate_batches", "0"});
  EXPECT_EQ(never.exit_code, 2);
  EXPECT_NE(never.err.find("--calibrate_batches"), std::string::npos) << never.err;
  EXPECT_NE(never.err.find("model.layers.0"), std::string::npos) << never.err;
}

}  // namespace
