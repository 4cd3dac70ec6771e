// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/model_report.h"

#include "engine/checkpoint/model_folder.h"
#include "engine/model/clm_family.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

namespace paradigm {
namespace {

using Json = nlohmann::json;

engine::ModelFolder golden(const std::string& name) {
  return engine::open_model_folder(std::string(PARADIGM_SOURCE_DIR "/tests/golden/models/") + name);
}

TEST(ModelReportJson, HasTheArchitectureFieldsOfTheConfiguration) {
  const Json json = Json::parse(model_report_json(golden("head_dim")));
  EXPECT_EQ(json["hidden_size"], 32);
  EXPECT_EQ(json["num_key_value_heads"], 2);
  EXPECT_EQ(json["head_dim"], 16);
  EXPECT_EQ(json["model_type"], "llama");
  EXPECT_EQ(json["rms_norm_eps"], 1e-5);
  EXPECT_EQ(json["tie_word_embeddings"], false);
  EXPECT_EQ(json["rope_theta"], 10000.0);
  EXPECT_EQ(json["dtype"], "float32");
  EXPECT_EQ(json["weights"]["files"], Json::array({"model.safetensors"}));
  EXPECT_TRUE(json["problems"].empty());
  EXPECT_TRUE(json["transform"].is_null());
}

TEST(ModelReportJson, ListsLinearsAndAttentionsOnly) {
  const Json json = Json::parse(model_report_json(golden("biases")));
  ASSERT_EQ(json["layers"].size(), 2u * 8 + 1);
  const Json expected = {{"name", "model.layers.0.self_attn"},
                         {"kind", "attention"},
                         {"shape", {4, 2, 8}},
                         {"parameters", 0}};
  EXPECT_EQ(json["layers"][0], expected);
  const Json key = {{"name", "model.layers.0.self_attn.k_proj"},
                    {"kind", "linear"},
                    {"shape", {16, 32}},
                    {"parameters", 16 * 32 + 16}};
  EXPECT_EQ(json["layers"][2], key);
  EXPECT_EQ(json["layers"].back()["name"], "lm_head");
}

TEST(ModelReportJson, CountsTheFamilysParameters) {
  const Json json =
      Json::parse(model_report_json(engine::model_folder_of(*engine::find_clm_config("400M"))));
  EXPECT_EQ(json["parameters"]["total"], 455'697'600);
  EXPECT_EQ(json["parameters"]["non_embedding"], 408'511'680);
  EXPECT_EQ(json["layers"].size(), 211u + 30u);
}

TEST(ModelReportJson, PrintsProblemsBesideTheFacts) {
  engine::ModelFolder model = golden("tied");
  engine::Problem missing;
  missing.id = "missing-tensors";
  missing.place.file = "model \xFF";
  missing.message = "1 tensor missing";
  missing.remedy = "Look";
  model.problems.push_back(missing);
  const Json json = Json::parse(model_report_json(model));
  ASSERT_EQ(json["problems"].size(), 1u);
  EXPECT_EQ(json["problems"][0]["id"], "missing-tensors");
  EXPECT_EQ(json["problems"][0]["severity"], "error");
  EXPECT_EQ(json["vocab_size"], 192);
}

TEST(ModelReport, PutsTheBlocksLikeLayersOnOneLine) {
  const std::string text = model_report(engine::model_folder_of(*engine::find_clm_config("1.1B")));
  EXPECT_NE(text.find("1,145,144,832 parameters (1,069,647,360 without the input embedding)"),
            text.npos)
      << text;
  EXPECT_NE(text.find("225 Linears, 32 attentions"), text.npos) << text;
  EXPECT_NE(text.find("model.layers.{0…31}.self_attn.q_proj"), text.npos) << text;
  EXPECT_EQ(text.find("model.layers.1."), text.npos);
  EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 20);
}

}  // namespace
}  // namespace paradigm
