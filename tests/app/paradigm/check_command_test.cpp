// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/program_run.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace {

constexpr const char* kProgram = PARADIGM_BIN_DIR "/paradigm";
const std::string kExample =
    PARADIGM_SOURCE_DIR "/configs/paradigms/photodetector/photodetector.pt";

TEST(CheckCommand, ShowsTheSchemaAndEveryCheck) {
  const auto run = tests::run_program(kProgram, {"check", kExample, "--json"});
  ASSERT_EQ(run.exit_code, 0) << run.err << run.out;
  const auto json = nlohmann::json::parse(run.out);
  EXPECT_EQ(json["id"], "photodetector");
  EXPECT_EQ(json["targets"], nlohmann::json{"linear"});
  EXPECT_EQ(json["state"], nlohmann::json{"x_max"});
  EXPECT_EQ(json["noise"][0]["like"], "output");
  EXPECT_EQ(json["parameters"][0]["name"], "photons");
  EXPECT_EQ(json["parameters"][0]["allowed"], "(0, inf)");
  EXPECT_EQ(json["sha256"].get<std::string>().size(), 64u);
  int kept = 0;
  for (const auto& check : json["checks"]) {
    EXPECT_NE(check["outcome"], "broken") << check;
    kept += check["outcome"] == "kept" ? 1 : 0;
  }
  EXPECT_GE(kept, 10);
}

TEST(CheckCommand, ABadFileEndsBeforeAnyCheck) {
  const tests::ScratchFolder folder;
  const auto text = folder.write("device.pt", "print('no archive')").string();
  const auto run = tests::run_program(kProgram, {"check", text});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_NE(run.err.find("not a TorchScript file"), std::string::npos) << run.err;
  const auto missing = tests::run_program(kProgram, {"check", "optical_transfromer"});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_NE(missing.err.find("Did you mean optical_transformer?"), std::string::npos)
      << missing.err;
}

TEST(PlanCommand, NamesTheFileOfAScriptedParadigm) {
  const std::string transform =
      PARADIGM_SOURCE_DIR "/configs/paradigms/photodetector/transform.yaml";
  const auto run = tests::run_program(
      kProgram,
      {"plan", PARADIGM_SOURCE_DIR "/resources/demo/checkpoint", "--transform_config", transform});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_NE(run.out.find("photodetector.pt, SHA-256 "), std::string::npos) << run.out;
}

}  // namespace
