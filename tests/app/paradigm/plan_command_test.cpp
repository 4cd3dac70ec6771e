// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/command.h"
#include "app/paradigm/program.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace paradigm {
namespace {

using Json = nlohmann::ordered_json;

struct Output {
  int code = -1;
  std::string out;
  std::string err;

  Json json() const { return Json::parse(out); }
};

Output run(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"paradigm", "plan"});
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Output output;
  output.code = run_program(static_cast<int>(argv.size()), argv.data());
  output.out = testing::internal::GetCapturedStdout();
  output.err = testing::internal::GetCapturedStderr();
  return output;
}

class PlanCommand : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::temp_directory_path() / ("plan_command_test." + std::to_string(getpid()));
    std::filesystem::create_directories(folder_ / "model");
    write("model/config.json",
          R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64,
        "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 256})");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  std::string model() const { return (folder_ / "model").string(); }

  std::filesystem::path folder_;
  const std::string shipped_ = PARADIGM_SOURCE_DIR "/configs/transforms/optical_transformer.yaml";
};

TEST_F(PlanCommand, PrintsHistogramAssignmentsAndProblemsAsJson) {
  const Output output = run({model(), "--transform_config", shipped_, "--json"});
  EXPECT_EQ(output.code, kDone) << output.err;
  const Json json = output.json();
  EXPECT_EQ(json["histogram"]["total"]["layer count"], 16);
  EXPECT_EQ(json["histogram"]["total"]["pattern count"], 3);
  EXPECT_EQ(json["histogram"].begin().key(), "model\\.layers\\.[0-9]+\\.self_attn");
  EXPECT_EQ(json["histogram"].begin().value()["layers"][1], "model.layers.1.self_attn");
  ASSERT_EQ(json["assignments"].size(), 17u);
  const Json& first = json["assignments"][0];
  EXPECT_EQ(first["layer"], "model.layers.0.self_attn");
  EXPECT_EQ(first["kind"], "attention");
  EXPECT_EQ(first["rule"], "model\\.layers\\.[0-9]+\\.self_attn");
  EXPECT_EQ(first["paradigm"], "optical_transformer");
  EXPECT_EQ(first["values"]["q_levels"], 256);
  EXPECT_EQ(first["values"]["q_lut_min"], 0.02004);
  EXPECT_TRUE(first["values"]["q_quantiles"].is_null());
  const Json& head = json["assignments"][16];
  EXPECT_EQ(head["layer"], "lm_head");
  EXPECT_TRUE(head["paradigm"].is_null());
  ASSERT_EQ(json["problems"].size(), 1u);
  const Json& problem = json["problems"][0];
  EXPECT_EQ(problem["id"], "unescaped-dot");
  EXPECT_EQ(problem["severity"], "warning");
  EXPECT_EQ(problem["file"], shipped_);
  EXPECT_EQ(problem["line"], 21);
  EXPECT_EQ(problem["column"], 17);
  EXPECT_FALSE(problem["message"].get<std::string>().empty());
  EXPECT_FALSE(problem["remedy"].get<std::string>().empty());
}

TEST_F(PlanCommand, TheFamilysFlavoursNeedNoCheckpoint) {
  const Output output = run({"60M", "--transform_config", shipped_, "--json"});
  EXPECT_EQ(output.json()["histogram"]["total"]["layer count"], 176);
}

TEST_F(PlanCommand, TextShowsRulesCountsAndTotals) {
  const Output output = run({model(), "--transform_config", shipped_});
  EXPECT_EQ(output.code, kDone);
  EXPECT_NE(output.out.find("16 of 17 layers transformed: 2 attention, 14 linear; 1 left alone"),
            std::string::npos)
      << output.out;
  EXPECT_NE(output.out.find("leave alone"), std::string::npos);
  EXPECT_NE(output.err.find("[unescaped-dot]"), std::string::npos) << output.err;
}

TEST_F(PlanCommand, ReadsTheOtherFormsOfTransformFilesAndSaysSo) {
  const Output toml = run({model(), "--transform_config",
                           write("t.toml", "use_lora = false\n[fc]\nx_p_exp = 0.25\n[lora]\n")});
  EXPECT_EQ(toml.code, 0) << toml.err;
  EXPECT_NE(toml.out.find("14 of 15 layers transformed"), std::string::npos) << toml.out;
  EXPECT_NE((toml.out + toml.err).find("read as the rules .*lm_head.* → leave alone"),
            std::string::npos)
      << toml.out << toml.err;
  const Output whole =
      run({model(), "--transform_config",
           write("pretrain.yaml",
                 "model_args: {name: aixsim}\ntransform_args:\n  layer_name_to_config:\n"
                 "    'layers\\.[0-9]+\\.attention': {q_levels: 8}\n    default: null\n")});
  EXPECT_EQ(whole.code, 0) << whole.err;
  EXPECT_NE((whole.out + whole.err).find("read as model\\.layers\\.[0-9]+\\.self_attn, 2 layers"),
            std::string::npos)
      << whole.out << whole.err;
}

TEST_F(PlanCommand, ReadsAttentionAndFcMapsAndTreesOfTypes) {
  const Output maps = run({model(), "--transform_config",
                           write("c4.yaml", "attn: {q_levels: 256}\nfc: {q_levels: 64}\n")});
  EXPECT_EQ(maps.code, 0) << maps.err;
  EXPECT_NE((maps.out + maps.err).find("read as the rules .*lm_head.* → leave alone"),
            std::string::npos)
      << maps.out << maps.err;
  EXPECT_NE(maps.out.find("16 of 17 layers transformed"), std::string::npos) << maps.out;

  const Output tree = run({model(), "--transform_config",
                           write("c5.yaml", "by: type\nlinear:\n  config: {tile_type: reram}\n")});
  EXPECT_EQ(tree.code, 2);
  EXPECT_NE((tree.out + tree.err).find("pim is known, but not built in yet"), std::string::npos)
      << tree.out << tree.err;
  const Output colour =
      run({model(), "--transform_config", write("by.yaml", "by: colour\nlinear: {config: {}}\n")});
  EXPECT_EQ(colour.code, 2);
  EXPECT_NE((colour.out + colour.err).find("by.yaml:1:5"), std::string::npos) << colour.err;
}

TEST_F(PlanCommand, SchedulesAreShownInTextAndJson) {
  const std::string file = write("ramp.yaml",
                                 "'.*q_proj': {q_levels: 8}\n"
                                 "'.*': {q_lut_min: {from: 0.1, to: 0.02, steps: 500}}\n");
  const Output text = run({model(), "--transform_config", file});
  EXPECT_EQ(text.code, kDone) << text.err;
  EXPECT_NE(text.out.find("rule 2: q_lut_min 0.1 → 0.02 over 500 steps, linear\n"),
            std::string::npos)
      << text.out;
  const Json json = run({model(), "--transform_config", file, "--json"}).json();
  const Json& value = json["assignments"][0]["values"]["q_lut_min"];
  EXPECT_EQ(value, Json::parse(R"({"from": 0.1, "to": 0.02, "steps": 500, "shape": "linear"})"));
  EXPECT_EQ(json["assignments"][1]["values"]["q_lut_min"], 0.02004);
}

TEST_F(PlanCommand, AFormatLeftOpenIsCalledTheComputeDtype) {
  const std::string file = write("flips.yaml",
                                 "'.*q_proj': {x_p_frac: 0.25, storage_dtype: bf16}\n"
                                 "'.*': {x_p_frac: 0.25}\n");
  const Output text = run({model(), "--transform_config", file});
  EXPECT_EQ(text.code, kDone) << text.err;
  EXPECT_NE(text.out.find("rule 2: storage_dtype is the compute dtype\n"), std::string::npos)
      << text.out;
  EXPECT_EQ(text.out.find("rule 1: storage_dtype"), std::string::npos) << text.out;
  const Json json = run({model(), "--transform_config", file, "--json"}).json();
  EXPECT_EQ(json["assignments"][0]["values"]["storage_dtype"], "bf16");
  EXPECT_EQ(json["assignments"][1]["values"]["storage_dtype"], "compute dtype");
}

TEST_F(PlanCommand, ErrorsAreInTheJsonAndTheExitCode) {
  const std::string file =
      write("t.yaml", "layer_name_to_config:\n  'model\\..*': {q_levels: 1, q_levls: 2}\n");
  const Output output = run({model(), "--transform_config", file, "--json"});
  EXPECT_EQ(output.code, kBadInput);
  std::vector<std::string> ids;
  const Json json = output.json();
  for (const Json& problem : json["problems"]) ids.push_back(problem["id"]);
  EXPECT_EQ(ids, (std::vector<std::string>{"bad-value", "bad-value", "unmatched-layer"}));
  EXPECT_EQ(json["assignments"].size(), 17u) << "the plan is shown as far as it goes";
}

TEST_F(PlanCommand, BadFilesEndWithOneMessageAndExitCode2) {
  const std::string broken = write("broken.yaml", "layer_name_to_config: [\n");
  const Output syntax = run({model(), "--transform_config", broken, "--json"});
  EXPECT_EQ(syntax.code, kBadInput);
  EXPECT_EQ(syntax.json()["problems"].size(), 1u);
  EXPECT_EQ(syntax.json()["histogram"]["total"]["layer count"], 0);
  const Output missing = run({model(), "--transform_config", "/nowhere.yaml"});
  EXPECT_EQ(missing.code, kBadInput);
  EXPECT_NE(missing.err.find("/nowhere.yaml"), std::string::npos);
  EXPECT_EQ(run({(folder_ / "none").string(), "--transform_config", shipped_}).code, kBadInput);
  EXPECT_EQ(run({model()}).code, kBadInput);
}

TEST_F(PlanCommand, TakesTheTransformThatTheCheckpointRecords) {
  write("model/transform.yaml", "default: {q_levels: 8}\nlm_head: null\n");
  const Output output = run({model(), "--json"});
  EXPECT_EQ(output.code, kDone) << output.err;
  EXPECT_EQ(output.json()["histogram"]["default"]["count"], 16);
}

TEST_F(PlanCommand, TwoRunsPrintTheSameBytes) {
  const std::vector<std::string> arguments{model(), "--transform_config", shipped_, "--json"};
  EXPECT_EQ(run(arguments).out, run(arguments).out);
}

}  // namespace
}  // namespace paradigm
