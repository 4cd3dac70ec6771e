// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/command.h"
#include "engine/error.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace paradigm {

Command inspect_command();

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

const std::string kModels = PARADIGM_SOURCE_DIR "/tests/golden/models/";

struct Outcome {
  int code = -1;
  std::string output;
};

Outcome inspect(std::vector<std::string> arguments) {
  CLI::App app;
  const auto run = inspect_command().declare(app);
  std::reverse(arguments.begin(), arguments.end());
  app.parse(arguments);
  testing::internal::CaptureStdout();
  Outcome outcome;
  try {
    outcome.code = run();
  } catch (...) {
    testing::internal::GetCapturedStdout();
    throw;
  }
  outcome.output = testing::internal::GetCapturedStdout();
  return outcome;
}

TEST(InspectCommand, TakesAFolderAFileOrAFlavour) {
  for (const std::string& name :
       {kModels + "bf16", kModels + "bf16/", kModels + "bf16/model.safetensors"}) {
    const Outcome outcome = inspect({name, "--json"});
    EXPECT_EQ(outcome.code, kDone) << name;
    EXPECT_EQ(Json::parse(outcome.output)["dtype"], "bfloat16") << name;
    EXPECT_FALSE(Json::parse(outcome.output)["weights"]["files"].empty());
  }
  EXPECT_TRUE(
      Json::parse(inspect({kModels + "bf16/config.json", "--json"}).output)["weights"]["files"]
          .empty());
  EXPECT_EQ(Json::parse(inspect({"clm-60m", "--json"}).output)["parameters"]["total"], 82'101'120);
  EXPECT_NE(inspect({"clm-60m"}).output.find("155 Linears"), std::string::npos);
}

TEST(InspectCommand, FindsAHubNameInTheLocalCache) {
  const tests::ScratchFolder cache;
  const std::string commit(40, 'a');
  const fs::path snapshots = cache / "models--someone--tiny" / "snapshots";
  fs::create_directories(snapshots);
  fs::copy(kModels + "tied", snapshots / commit, fs::copy_options::recursive);
  cache.write("models--someone--tiny/refs/main", commit);
  ::setenv("HF_HUB_CACHE", cache.path().c_str(), 1);
  const Outcome outcome = inspect({"someone/tiny", "--json"});
  EXPECT_EQ(outcome.code, kDone);
  EXPECT_EQ(Json::parse(outcome.output)["vocab_size"], 192);
  EXPECT_THROW(inspect({"someone/absent"}), engine::Error);
  ::unsetenv("HF_HUB_CACHE");
}

TEST(InspectCommand, PrintsTheFactsAndFailsWhenTheWeightsDoNotFit) {
  const tests::ScratchFolder folder;
  fs::copy(kModels + "tied/config.json", folder / "config.json");
  folder.write("pytorch_model.bin", "PK");
  const Outcome outcome = inspect({folder.path().string(), "--json"});
  EXPECT_EQ(outcome.code, kBadInput);
  const Json json = Json::parse(outcome.output);
  EXPECT_EQ(json["hidden_size"], 32);
  ASSERT_EQ(json["problems"].size(), 1u);
  EXPECT_EQ(json["problems"][0]["id"], "pickled-weights");
}

TEST(InspectCommand, AnotherArchitectureIsAnError) {
  const tests::ScratchFolder folder;
  folder.write("config.json", R"({"model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"]})");
  EXPECT_THROW(inspect({folder.path().string()}), engine::Error);
}

}  // namespace
}  // namespace paradigm
