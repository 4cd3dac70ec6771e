// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/llama_config.h"

#include "engine/error.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace engine {
namespace {

using Json = nlohmann::json;

/// The least that a config.json must say.
Json least() {
  return {{"model_type", "llama"},  {"hidden_size", 64},        {"intermediate_size", 128},
          {"num_hidden_layers", 2}, {"num_attention_heads", 4}, {"vocab_size", 100}};
}

Json with(const std::string& key, const Json& value) {
  Json json = least();
  json[key] = value;
  return json;
}

LlamaConfig parse(const Json& json) { return parse_llama_config(json.dump(), "m/config.json"); }

/// The one problem that `json` is refused with.
Problem refusal_of(const Json& json) {
  try {
    parse(json);
  } catch (const Error& error) {
    EXPECT_EQ(error.problems()[0].place.file, "m/config.json");
    return error.problems()[0];
  }
  ADD_FAILURE() << "accepted: " << json;
  return {};
}

testing::AssertionResult refused(const std::string& key, const Json& value) {
  const Problem problem = refusal_of(with(key, value));
  const std::string shown = value.dump();
  if (problem.message.find(key) == std::string::npos)
    return testing::AssertionFailure() << problem.message;
  if (!value.is_null() && problem.message.find(shown) == std::string::npos) {
    return testing::AssertionFailure() << problem.message << " does not show " << shown;
  }
  return testing::AssertionSuccess();
}

Json llama3_scaling(const char* type_key = "rope_type") {
  return {{type_key, "llama3"},
          {"factor", 8.0},
          {"low_freq_factor", 1.0},
          {"high_freq_factor", 4.0},
          {"original_max_position_embeddings", 8192}};
}

TEST(LlamaConfig, AbsentFieldsMeanWhatTransformersMeans) {
  const LlamaConfig config = parse(least());
  EXPECT_EQ(config.num_key_value_heads, 4);
  EXPECT_EQ(config.head_dim, 16);
  EXPECT_EQ(config.rms_norm_eps, 1e-6);
  EXPECT_EQ(config.rope_theta, 10000);
  EXPECT_FALSE(config.rope_scaling);
  EXPECT_FALSE(config.tie_word_embeddings);
  EXPECT_FALSE(config.attention_bias);
  EXPECT_FALSE(config.mlp_bias);
  EXPECT_EQ(config.max_position_embeddings, 2048);
  EXPECT_EQ(config.attention_dropout, 0);
  EXPECT_EQ(config.torch_dtype, "float32");
  EXPECT_FALSE(config.bos_token_id);
  EXPECT_TRUE(config.eos_token_ids.empty());
  EXPECT_FALSE(config.pad_token_id);
}

TEST(LlamaConfig, NullMeansAbsent) {
  Json json = least();
  for (const char* key : {"num_key_value_heads", "head_dim", "rope_scaling", "rope_theta",
                          "pad_token_id", "eos_token_id", "torch_dtype", "attention_dropout",
                          "quantization_config", "architectures"}) {
    json[key] = nullptr;
  }
  const LlamaConfig config = parse(json);
  EXPECT_EQ(config.num_key_value_heads, 4);
  EXPECT_EQ(config.rope_theta, 10000);
}

TEST(LlamaConfig, ReadsEveryField) {
  Json json = least();
  json.update({{"architectures", {"LlamaForCausalLM"}},
               {"num_key_value_heads", 2},
               {"head_dim", 32},
               {"rms_norm_eps", 1e-5},
               {"rope_theta", 500000},
               {"tie_word_embeddings", true},
               {"attention_bias", true},
               {"mlp_bias", true},
               {"hidden_act", "silu"},
               {"max_position_embeddings", 131072},
               {"attention_dropout", 0.1},
               {"torch_dtype", "bfloat16"},
               {"bos_token_id", 1},
               {"eos_token_id", {2, 7}},
               {"pad_token_id", 0}});
  const LlamaConfig config = parse(json);
  EXPECT_EQ(config.num_key_value_heads, 2);
  EXPECT_EQ(config.head_dim, 32);
  EXPECT_EQ(config.rms_norm_eps, 1e-5);
  EXPECT_EQ(config.rope_theta, 500000);
  EXPECT_TRUE(config.tie_word_embeddings && config.attention_bias && config.mlp_bias);
  EXPECT_EQ(config.max_position_embeddings, 131072);
  EXPECT_EQ(config.attention_dropout, 0.1);
  EXPECT_EQ(config.torch_dtype, "bfloat16");
  EXPECT_EQ(config.bos_token_id, 1);
  EXPECT_EQ(config.eos_token_ids, (std::vector<std::int64_t>{2, 7}));
  EXPECT_EQ(config.pad_token_id, 0);
}

TEST(LlamaConfig, APadTokenOfMinusOneMeansNone) {
  EXPECT_FALSE(parse(with("pad_token_id", -1)).pad_token_id);
}

TEST(LlamaConfig, MissingSizesAreNamed) {
  for (const char* key : {"hidden_size", "intermediate_size", "num_hidden_layers",
                          "num_attention_heads", "vocab_size"}) {
    Json json = least();
    json.erase(key);
    const Problem problem = refusal_of(json);
    EXPECT_EQ(problem.id, "missing-field");
    EXPECT_NE(problem.message.find(key), std::string::npos) << problem.message;
  }
}

TEST(LlamaConfig, SizesThatAreNoPositiveIntegersAreRefusedWithTheirValue) {
  for (const char* key :
       {"hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
        "vocab_size", "num_key_value_heads", "head_dim", "max_position_embeddings"}) {
    for (const Json& value :
         {Json(0), Json(-64), Json(64.0), Json("64"), Json(true), Json::array({64}),
          Json(std::int64_t{1} << 62), Json(~std::uint64_t{0})}) {
      EXPECT_TRUE(refused(key, value)) << key << " " << value;
    }
  }
}

TEST(LlamaConfig, HeadsMustFit) {
  EXPECT_TRUE(refused("num_key_value_heads", 3));
  EXPECT_TRUE(refused("num_key_value_heads", 8));
  EXPECT_TRUE(refused("head_dim", 15));
  EXPECT_TRUE(refused("hidden_size", 66));
  EXPECT_TRUE(refused("hidden_size", 60));
}

TEST(LlamaConfig, OtherFieldsOfAnotherTypeAreRefused) {
  for (const Json& value : {Json(0), Json(-1e-5), Json("1e-5"), Json(true)}) {
    EXPECT_TRUE(refused("rms_norm_eps", value));
    EXPECT_TRUE(refused("rope_theta", value));
  }
  EXPECT_TRUE(refused("tie_word_embeddings", 1));
  EXPECT_TRUE(refused("attention_bias", "true"));
  EXPECT_TRUE(refused("attention_dropout", 1.0));
  EXPECT_TRUE(refused("attention_dropout", -0.1));
  EXPECT_TRUE(refused("eos_token_id", "</s>"));
  EXPECT_TRUE(refused("eos_token_id", -2));
  EXPECT_TRUE(refused("bos_token_id", 1.5));
  EXPECT_TRUE(refused("rope_scaling", "llama3"));
  EXPECT_TRUE(refused("architectures", "LlamaForCausalLM"));
}

TEST(LlamaConfig, UnsupportedVariantsAreRefusedByName) {
  EXPECT_TRUE(refused("hidden_act", "gelu"));
  EXPECT_TRUE(refused("torch_dtype", "float64"));
  EXPECT_TRUE(refused("dtype", "int8"));
  EXPECT_TRUE(refused("partial_rotary_factor", 0.5));
  EXPECT_TRUE(refused("quantization_config", Json{{"bits", 4}}));
}

TEST(LlamaConfig, AnotherArchitectureIsRefusedAndTheDifferenceNamed) {
  EXPECT_TRUE(refused("model_type", "qwen2"));
  EXPECT_NE(refusal_of(with("model_type", "qwen2")).message.find("biases on query"),
            std::string::npos);
  EXPECT_NE(refusal_of(with("model_type", "gpt2")).message.find("c_attn"), std::string::npos);
  EXPECT_TRUE(refused("model_type", "brand_new"));
  EXPECT_TRUE(refused("architectures", Json::array({"LlamaForSequenceClassification"})));
  EXPECT_TRUE(refused("architectures", Json::array({"MistralForCausalLM"})));
  Json json = least();
  json.erase("model_type");
  EXPECT_EQ(refusal_of(json).id, "missing-field");
  json["architectures"] = {"LlamaForCausalLM"};
  EXPECT_NO_THROW(parse(json));
}

TEST(LlamaConfig, ReadsTheOlderSpellingsOfRopeScaling) {
  for (const char* type_key : {"rope_type", "type"}) {
    Json json = with("rope_scaling", llama3_scaling(type_key));
    json["rope_theta"] = 500000.0;
    const LlamaConfig config = parse(json);
    ASSERT_TRUE(config.rope_scaling) << type_key;
    EXPECT_EQ(config.rope_scaling->type, "llama3");
    EXPECT_EQ(config.rope_scaling->factor, 8);
    EXPECT_EQ(config.rope_scaling->low_freq_factor, 1);
    EXPECT_EQ(config.rope_scaling->high_freq_factor, 4);
    EXPECT_EQ(config.rope_scaling->original_max_position_embeddings, 8192);
    EXPECT_EQ(config.rope_theta, 500000);
  }
  const LlamaConfig linear = parse(with("rope_scaling", {{"type", "linear"}, {"factor", 2}}));
  ASSERT_TRUE(linear.rope_scaling);
  EXPECT_EQ(linear.rope_scaling->type, "linear");
  EXPECT_EQ(linear.rope_scaling->factor, 2);
  EXPECT_FALSE(parse(with("rope_scaling", {{"rope_type", "default"}})).rope_scaling);
}

TEST(LlamaConfig, ReadsTheNewerSpellingWithThetaInside) {
  Json rope = llama3_scaling();
  rope["rope_theta"] = 500000.0;
  const LlamaConfig config = parse(with("rope_parameters", rope));
  ASSERT_TRUE(config.rope_scaling);
  EXPECT_EQ(config.rope_scaling->factor, 8);
  EXPECT_EQ(config.rope_theta, 500000);
  const LlamaConfig plain =
      parse(with("rope_parameters", {{"rope_type", "default"}, {"rope_theta", 20000}}));
  EXPECT_FALSE(plain.rope_scaling);
  EXPECT_EQ(plain.rope_theta, 20000);
  EXPECT_EQ(parse(with("rope_parameters", {{"rope_theta", 20000}})).rope_theta, 20000);
}

TEST(LlamaConfig, TwoSpellingsMayAgreeButNotDiffer) {
  Json rope = llama3_scaling();
  rope["rope_theta"] = 10000.0;
  Json json = with("rope_parameters", rope);
  json["rope_scaling"] = llama3_scaling("type");
  json["rope_theta"] = 10000;
  EXPECT_NO_THROW(parse(json));
  json["rope_theta"] = 20000;
  EXPECT_NE(refusal_of(json).message.find("rope_parameters"), std::string::npos);
  json["rope_theta"] = 10000;
  json["rope_scaling"]["factor"] = 4.0;
  EXPECT_NE(refusal_of(json).message.find("rope_scaling"), std::string::npos);
  Json both = with("rope_scaling", llama3_scaling());
  both["rope_scaling"]["type"] = "linear";
  EXPECT_NE(refusal_of(both).message.find("rope_scaling.type"), std::string::npos);
}

TEST(LlamaConfig, UnsupportedRopeIsRefusedByName) {
  for (const char* type : {"dynamic", "yarn", "longrope", "su"}) {
    const Problem problem =
        refusal_of(with("rope_scaling", {{"rope_type", type}, {"factor", 2.0}}));
    EXPECT_NE(problem.message.find(std::string("rope_scaling.rope_type is \"") + type),
              std::string::npos);
  }
  const Problem nested =
      refusal_of(with("rope_parameters", {{"full_attention", {{"rope_type", "default"}}}}));
  EXPECT_NE(nested.message.find("rope_parameters.rope_type is missing"), std::string::npos)
      << nested.message;
  for (const char* key :
       {"factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"}) {
    Json scaling = llama3_scaling();
    scaling.erase(key);
    EXPECT_EQ(refusal_of(with("rope_scaling", scaling))
                  .message.find("rope_scaling." + std::string(key) + " is missing"),
              0u);
    scaling[key] = -1;
    EXPECT_EQ(refusal_of(with("rope_scaling", scaling))
                  .message.find("rope_scaling." + std::string(key) + " is -1"),
              0u);
  }
  Json equal = llama3_scaling();
  equal["high_freq_factor"] = 1.0;
  EXPECT_NE(refusal_of(with("rope_scaling", equal)).message.find("high_freq_factor"),
            std::string::npos);
}

TEST(LlamaConfig, CountsParametersWithBiasesAndATiedHead) {
  Json json = least();
  json["num_key_value_heads"] = 2;
  const std::int64_t block = 64 * 64 * 2 + 2 * 64 * 32 + 3 * 64 * 128 + 2 * 64;
  LlamaConfig config = parse(json);
  EXPECT_EQ(config.non_embedding_parameters(), 2 * block + 64 + 6400);
  EXPECT_EQ(config.total_parameters(), 2 * block + 64 + 2 * 6400);
  config.tie_word_embeddings = true;
  EXPECT_EQ(config.total_parameters(), 2 * block + 64 + 6400);
  config.attention_bias = true;
  EXPECT_EQ(config.total_parameters(), 2 * (block + 64 + 32 + 32 + 64) + 64 + 6400);
  config.mlp_bias = true;
  EXPECT_EQ(config.total_parameters(), 2 * (block + 192 + 128 + 128 + 64) + 64 + 6400);
}

TEST(LlamaConfigJson, AnUntouchedConfigurationKeepsEveryKeyAndValue) {
  Json json = least();
  json.update({{"a_key_of_ours", {{"nested", {1, 2.5, nullptr}}}},
               {"rope_scaling", llama3_scaling("type")},
               {"torch_dtype", "bfloat16"},
               {"_name_or_path", "ünïcode"}});
  EXPECT_EQ(Json::parse(llama_config_json(parse(json))), json);
}

TEST(LlamaConfigJson, IsSortedAndIndentedAsTransformersWritesIt) {
  Json json = {{"vocab_size", 100}, {"hidden_size", 64}};
  json.update(least());
  EXPECT_EQ(
      llama_config_json(parse(json)),
      "{\n  \"hidden_size\": 64,\n  \"intermediate_size\": 128,\n  \"model_type\": \"llama\",\n"
      "  \"num_attention_heads\": 4,\n  \"num_hidden_layers\": 2,\n  \"vocab_size\": 100\n}\n");
}

TEST(LlamaConfigJson, ChangesGoWhereTheSourceKeepsTheField) {
  Json newer = with("rope_parameters", {{"rope_type", "default"}, {"rope_theta", 20000.0}});
  newer["dtype"] = "bfloat16";
  LlamaConfig config = parse(newer);
  config.torch_dtype = "float32";
  config.rope_theta = 30000;
  config.vocab_size = 128;
  Json expected = newer;
  expected["dtype"] = "float32";
  expected["rope_parameters"]["rope_theta"] = 30000.0;
  expected["vocab_size"] = 128;
  EXPECT_EQ(Json::parse(llama_config_json(config)), expected);

  LlamaConfig older = parse(with("rope_scaling", llama3_scaling()));
  older.rope_scaling.reset();
  const Json written = Json::parse(llama_config_json(older));
  EXPECT_TRUE(!written.contains("rope_parameters"));
  EXPECT_FALSE(parse(written).rope_scaling);
}

TEST(LlamaConfigJson, ANewModelGetsBothSpellingsOfTheRopeFields) {
  LlamaConfig config = parse(least());
  config.source_json.clear();
  config.rope_theta = 500000;
  config.rope_scaling = RopeScaling{.type = "llama3", .factor = 8};
  config.eos_token_ids = {2, 3};
  const Json json = Json::parse(llama_config_json(config));
  EXPECT_EQ(json["rope_theta"], 500000.0);
  EXPECT_EQ(json["rope_scaling"]["rope_type"], "llama3");
  EXPECT_EQ(json["rope_parameters"]["rope_theta"], 500000.0);
  EXPECT_EQ(json["rope_parameters"]["factor"], 8.0);
  EXPECT_EQ(json["architectures"], Json::array({"LlamaForCausalLM"}));
  const LlamaConfig again = parse(json);
  EXPECT_EQ(again.rope_scaling->factor, 8);
  EXPECT_EQ(again.eos_token_ids, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(again.total_parameters(), config.total_parameters());
}

TEST(LlamaConfig, HostileTextIsRefused) {
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[]"), std::string("null"), std::string("{}x"),
        std::string("{\"hidden_size\": 1, \"hidden_size\": 2}"), std::string(1'000'000, '['),
        std::string("{\0}", 3), std::string("{\"a\": \"\xFF\"}"),
        std::string("{\"vocab_size\": 1e999}")}) {
    EXPECT_THROW(parse_llama_config(text, "config.json"), Error) << text.substr(0, 40);
  }
}

TEST(LlamaConfig, EveryTruncationIsRefused) {
  const std::string whole = with("rope_scaling", llama3_scaling()).dump();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THROW(parse_llama_config(whole.substr(0, size), "config.json"), Error);
  }
}

TEST(LlamaConfig, AMissingFileIsNamed) {
  const tests::ScratchFolder folder;
  try {
    read_llama_config(folder / "config.json");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.problems()[0].place.file, (folder / "config.json").string());
  }
  EXPECT_THROW(read_llama_config(folder.path()), Error);
}

TEST(LlamaConfig, ReadsTheGoldenModels) {
  const std::filesystem::path models = PARADIGM_SOURCE_DIR "/tests/golden/models";
  const LlamaConfig newer = read_llama_config(models / "rope_parameters" / "config.json");
  EXPECT_EQ(newer.rope_theta, 20000);
  EXPECT_EQ(newer.rope_scaling->factor, 4);
  const LlamaConfig linear = read_llama_config(models / "rope_linear_fp16" / "config.json");
  EXPECT_EQ(linear.rope_scaling->type, "linear");
  EXPECT_EQ(linear.torch_dtype, "float16");
  EXPECT_EQ(read_llama_config(models / "head_dim" / "config.json").head_dim, 16);
  EXPECT_TRUE(read_llama_config(models / "tied" / "config.json").tie_word_embeddings);
}

}  // namespace
}  // namespace engine
