// SPDX-License-Identifier: GPL-3.0-or-later
// Upstream's dialects C3 to C6. The files are our own, equal in keys, values and features of YAML
// and TOML to those that upstream's scripts read.
#include "engine/config/dialect_import.h"

#include "engine/config/transform_config.h"
#include "engine/model/llama_config.h"
#include "engine/transform/transform_plan.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace engine {
namespace {

ParsedTransform parse(const std::string& text, const std::string& file = "t.yaml") {
  return parse_transform_config(text, file, paradigm_infos());
}

LayerInventory inventory(int layers = 2) {
  LlamaConfig llama;
  llama.hidden_size = 64;
  llama.intermediate_size = 128;
  llama.num_hidden_layers = layers;
  llama.num_attention_heads = llama.num_key_value_heads = 4;
  llama.head_dim = 16;
  llama.vocab_size = 256;
  return layer_inventory(llama);
}

/// "pattern → paradigm" per rule.
std::string rules_of(const TransformConfig& config) {
  std::string text;
  for (const TransformRule& rule : config.rules)
    text += rule.pattern + " → " + (rule.leave_alone ? "null" : rule.paradigm) + "\n";
  return text;
}

std::string listed(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) text += to_string(problem) + "\n";
  return text;
}

const Problem* first(const std::vector<Problem>& problems, Severity severity) {
  const auto found = std::find_if(problems.begin(), problems.end(),
                                  [&](const Problem& each) { return each.severity == severity; });
  return found == problems.end() ? nullptr : &*found;
}

const char* const optical_sections =
    "# optical fine-tuning\n"
    "use_lora = false\n\n"
    "[attention]\nq_levels = 256\nq_lut_min = 0.020040\nq_smooth_factor = 0.9\nq_init_seed = "
    "0\nq_bypass = false\n\n"
    "[fc]\nq_levels = 128 # fewer\nq_lut_min = 2.004e-2\nq_quantiles = [0.001, 0.999]\n\n"
    "[lora]\nr = 32\nlora_alpha = 32\n";

TEST(DialectImport, SectionsOfTheOpticalScripts) {
  const ParsedTransform parsed = parse(optical_sections, "optical.toml");
  EXPECT_FALSE(has_errors(parsed.problems)) << listed(parsed.problems);
  EXPECT_EQ(parsed.config.dialect, TransformDialect::c3_sections);
  EXPECT_EQ(rules_of(parsed.config),
            ".*lm_head.* → null\nmodel\\.layers\\.[0-9]+\\.self_attn → optical_transformer\n"
            "default → optical_transformer\n");
  EXPECT_EQ(parsed.config.rules[1].values.get_int("q_levels"), 256);
  EXPECT_EQ(parsed.config.rules[2].values.get_int("q_levels"), 128);
  EXPECT_EQ(parsed.config.rules[2].values.get_optional_pair("q_quantiles"), RealPair(0.001, 0.999));
  EXPECT_EQ(parsed.config.rules[2].values.find("q_levels")->place.line, 12);
  EXPECT_FALSE(parsed.config.train_only_lora);
  EXPECT_NE(listed(parsed.problems).find("[lora] is not used"), std::string::npos);
  EXPECT_NE(listed(parsed.problems).find("read as the rules .*lm_head.* → leave alone"),
            std::string::npos);
  const TransformPlan plan = plan_transform(inventory(), parsed.config, paradigm_infos());
  EXPECT_FALSE(has_errors(plan.problems)) << listed(plan.problems);
  EXPECT_EQ(plan.find("lm_head")->outcome, Outcome::left_alone);
  EXPECT_EQ(plan.replacements().size(), 2u + 14u);
}

TEST(DialectImport, SectionsOfTheBitFlipScripts) {
  const ParsedTransform parsed = parse(
      "use_lora = false\n[fc]\nx_p_exp = 1.52587890625e-05\nx_zero_out_t = 30\nw_seed_exp = "
      "1_0\n[lora]\nr = 32\n",
      "f.toml");
  EXPECT_FALSE(has_errors(parsed.problems)) << listed(parsed.problems);
  EXPECT_EQ(rules_of(parsed.config), ".*lm_head.* → null\ndefault → random_bitflip\n");
  EXPECT_EQ(parsed.config.rules[1].values.get_real("x_p_exp"), 0x1p-16);
  EXPECT_EQ(parsed.config.rules[1].values.get_real("x_zero_out_t"), 30);
  EXPECT_EQ(parsed.config.rules[1].values.get_int("w_seed_exp"), 10);
  const ParsedTransform empty = parse("use_lora = false\n[fc]\n[lora]\n", "f.toml");
  EXPECT_FALSE(has_errors(empty.problems)) << listed(empty.problems);
  EXPECT_TRUE(empty.config.rules[1].values.empty());
}

TEST(DialectImport, MistakesInSectionsHaveTheirPlace) {
  const auto error = [](const std::string& text) {
    const ParsedTransform parsed = parse(text, "f.toml");
    const Problem* problem = first(parsed.problems, Severity::error);
    return problem ? to_string(*problem) : "none in " + listed(parsed.problems);
  };
  EXPECT_EQ(error("[fc]\n[lora]\n").find("f.toml: error: use_lora is missing"), 0u);
  EXPECT_EQ(error("use_lora = false\n[fc]\n").find("f.toml: error: the section lora is missing"),
            0u);
  EXPECT_EQ(error("use_lora = false\n[fc]\nx_p_exp = 2\n[lora]\n").find("f.toml:3:11: error: "), 0u)
      << error("use_lora = false\n[fc]\nx_p_exp = 2\n[lora]\n");
  EXPECT_EQ(error("use_lora = false\n[fc]\nx_p_exq = 0.1\n[lora]\n")
                .find("f.toml:3:1: error: unknown key x_p_exq"),
            0u);
  EXPECT_EQ(error("use_lora = 'no'\n[fc]\n[lora]\n").find("f.toml:1:12: error: "), 0u);
  EXPECT_EQ(error("use_lora = false\nuse_lora = true\n").find("f.toml:2:"), 0u);
  EXPECT_EQ(error("use_lora = \n").find("f.toml:1:"), 0u);
  EXPECT_EQ(error("when = 1979-05-27\nuse_lora = false\n").find("f.toml:1:8: error: a date"), 0u);
  EXPECT_NE(error("use_lora = true\n[fc]\n[lora]\n").find("LoRA adapters are not built in yet"),
            std::string::npos);
  EXPECT_NE(error("use_lora = false\n[fc]\nx_p_exp = nan\n[lora]\n").find("f.toml:3:11"),
            std::string::npos);
  EXPECT_NE(error("use_lora = false\n[fx]\n[fc]\n[lora]\n").find("Did you mean fc?"),
            std::string::npos);
  EXPECT_NE(error("\xff\n"), "");
}

TEST(DialectImport, AttentionAndFc) {
  const ParsedTransform parsed =
      parse("attn: &all\n  q_levels: 256\n  q_lut_min: 0.02\nfc:\n  <<: *all\n  q_levels: 64\n");
  EXPECT_FALSE(has_errors(parsed.problems)) << listed(parsed.problems);
  EXPECT_EQ(parsed.config.dialect, TransformDialect::c4_attention_fc);
  EXPECT_EQ(rules_of(parsed.config),
            ".*lm_head.* → null\nmodel\\.layers\\.[0-9]+\\.self_attn → optical_transformer\n"
            "default → optical_transformer\n");
  EXPECT_EQ(parsed.config.rules[2].values.get_int("q_levels"), 64);
  EXPECT_EQ(parsed.config.rules[2].values.get_real("q_lut_min"), 0.02);
  EXPECT_NE(listed(parsed.problems).find("q_quantiles is left out"), std::string::npos);
  EXPECT_TRUE(has_errors(parse("attn: {q_levels: 2}\n").problems));
}

TEST(DialectImport, TreesOfProcessingInMemory) {
  const ParsedTransform by_type = parse(
      "by: type\nlinear:\n  config:\n    tile_type: digital\n    core_size: 64\n    x_quant_type: "
      "e4m3\n"
      "conv2d:\n  config:\n    tile_type: digital\n");
  EXPECT_EQ(by_type.config.dialect, TransformDialect::c5_by_tree);
  EXPECT_EQ(rules_of(by_type.config), "default → pim\n");
  EXPECT_EQ(by_type.config.rules[0].values.get_text("tile_type"), "digital");
  EXPECT_EQ(by_type.config.rules[0].values.get_int("core_size"), 64);
  EXPECT_NE(listed(by_type.problems).find("conv2d: a Llama has no such layer"), std::string::npos);
  const Problem* error = first(by_type.problems, Severity::error);
  ASSERT_NE(error, nullptr);
  EXPECT_EQ(error->id, "unknown-paradigm");
  EXPECT_NE(error->message.find("pim is known, but not built in yet"), std::string::npos);

  const ParsedTransform by_name =
      parse("by: name\nmodel.layers.0.mlp.up_proj:\n  config: {tile_type: reram, num_bits: 3}\n");
  EXPECT_EQ(rules_of(by_name.config), "model.layers.0.mlp.up_proj → pim\ndefault → null\n");
  EXPECT_FALSE(by_name.config.use_regex);
  EXPECT_NE(
      listed(parse("by: colour\nlinear: {config: {}}\n").problems).find("but must be type or name"),
      std::string::npos);
  EXPECT_NE(
      listed(parse("by: type\nlinear: {tile_type: pcm}\n").problems).find("has no map `config`"),
      std::string::npos);
}

TEST(DialectImport, TreesOfSpikingNetworksAreASequence) {
  const ParsedTransform parsed = parse(
      "quantization_config:\n  by: regex_name\n  'model\\.layers\\.\\d+\\.self_attn':\n    config: "
      "{name: lsqinteger, level: 32}\n"
      "snn_transformer_config_attn:\n  by: regex_name\n  '.*self_attn':\n    config: {name: "
      "zip_tf, level: 32}\n"
      "snn_transformer_config_fc:\n  by: type\n  linear:\n    config: {name: unfold_bias, level: "
      "32, neuron_type: ST-BIF}\n"
      "  embedding:\n    config: {name: zip_tf}\n  relu:\n    config: {name: identity}\n");
  EXPECT_EQ(rules_of(parsed.config),
            "model\\.layers\\.\\d+\\.self_attn → spiking\ndefault → null\n");
  ASSERT_EQ(parsed.config.later_stages.size(), 2u);
  EXPECT_EQ(rules_of(parsed.config.later_stages[0]), ".*self_attn → spiking\ndefault → null\n");
  EXPECT_EQ(rules_of(parsed.config.later_stages[1]),
            "(.*_proj|lm_head) → spiking\nmodel\\.embed_tokens → spiking\ndefault → null\n");
  EXPECT_EQ(parsed.config.later_stages[1].rules[0].values.get_text("neuron_type"), "ST-BIF");
  EXPECT_NE(listed(parsed.problems).find("relu is a part of replaced layers"), std::string::npos);
  EXPECT_NE(listed(parsed.problems).find("stage 3 of a sequence, with 3 rules"), std::string::npos);
  EXPECT_NE(listed(parsed.problems).find("spiking is known, but not built in yet"),
            std::string::npos);
}

const char* const transform_rules =
    "  layer_name_to_config:\n"
    "    ? 'layers\\.[0-9]+\\.attention'\n    : &all\n      q_levels: 256\n      q_lut_min: "
    "0.020040\n      q_quantiles: null\n"
    "    'layers\\.[0-9]+\\.attention\\.(wq|wk|wv|wo)':\n      <<: *all\n"
    "    'layers\\.[0-9]+\\.feed_forward\\.w[123]':\n      <<: *all\n      q_levels: 64\n"
    "    \"output\": null\n";

TEST(DialectImport, FullPretrainingFiles) {
  const std::string text =
      std::string(
          "job_args:\n  description: 'Pretrain'\nmodel_args:\n  name: aixsim\n  flavor: 60M\n"
          "activation_checkpoint_args:\n  selective_ac_option: '2'\n"
          "transform_args:\n  use_regex: true\n") +
      transform_rules + "  transform_flavor: fc\n";
  const ParsedTransform parsed = parse(text);
  EXPECT_FALSE(has_errors(parsed.problems)) << listed(parsed.problems);
  EXPECT_EQ(parsed.config.dialect, TransformDialect::c6_pretraining);
  ASSERT_EQ(parsed.config.rules.size(), 4u);
  EXPECT_EQ(parsed.config.rules[0].place.line, 11);
  EXPECT_NE(listed(parsed.problems).find("the rules are the 4 of the block transform_args"),
            std::string::npos)
      << listed(parsed.problems);

  const TransformPlan plan = plan_transform(inventory(), parsed.config, paradigm_infos());
  EXPECT_FALSE(has_errors(plan.problems)) << listed(plan.problems);
  EXPECT_EQ(plan.translated[0], "model\\.layers\\.[0-9]+\\.self_attn");
  EXPECT_EQ(plan.translated[1],
            "model\\.layers\\.[0-9]+\\.self_attn\\.(q_proj|k_proj|v_proj|o_proj)");
  EXPECT_EQ(plan.translated[2], ".*\\.mlp\\..*")
      << "its words do not translate: a pattern for the same layers";
  EXPECT_EQ(plan.translated[3], "lm_head");
  EXPECT_EQ(plan.counts[0].won, 2);
  EXPECT_EQ(plan.counts[1].won, 8);
  EXPECT_EQ(plan.counts[2].won, 6);
  EXPECT_EQ(plan.find("lm_head")->outcome, Outcome::left_alone);
  EXPECT_EQ(plan.find("model.layers.1.mlp.up_proj")->values.get_int("q_levels"), 64);
  EXPECT_EQ(plan.histogram.entries[0].pattern, "layers\\.[0-9]+\\.attention") << "as written";
}

TEST(DialectImport, DumpsOfATrackerAreUnwrapped) {
  const ParsedTransform parsed = parse(std::string(
      "_wandb: {value: {}}\nmodel:\n  value: {name: aixsim}\ntransform:\n  value:\n"
      "    use_regex: true\n    layer_name_to_config:\n"
      "      'layers\\.[0-9]+\\.attention\\.wq': {x_p_exp: 0.25}\n      default: null\n"));
  EXPECT_FALSE(has_errors(parsed.problems)) << listed(parsed.problems);
  EXPECT_EQ(parsed.config.dialect, TransformDialect::c6_pretraining);
  EXPECT_EQ(rules_of(parsed.config),
            "layers\\.[0-9]+\\.attention\\.wq → random_bitflip\ndefault → null\n");
  EXPECT_TRUE(has_errors(parse("job_args: {}\nmodel_args: {}\n").problems));
  EXPECT_TRUE(has_errors(parse("transform_args: {use_regex: true}\nmodel_args: {}\n").problems));
}

TEST(DialectImport, PatternMapsInTorchtitansNamesAreReadToo) {
  const ParsedTransform parsed =
      parse(std::string("use_regex: true\n") + "layer_name_to_config:\n" +
            "  'layers\\.[0-9]+\\.attention': {q_levels: 4}\n  'output': null\n  default: null\n");
  const TransformPlan plan = plan_transform(inventory(), parsed.config, paradigm_infos());
  EXPECT_EQ(plan.counts[0].won, 2);
  EXPECT_EQ(std::count_if(plan.problems.begin(), plan.problems.end(),
                          [](const Problem& each) { return each.id == "other-naming"; }),
            2);
  // One pattern of the checkpoint's own names: then nothing is translated.
  const TransformPlan mixed = plan_transform(
      inventory(),
      parse("'layers\\.[0-9]+\\.attention': {q_levels: 4}\nlm_head: null\ndefault: null\n").config,
      paradigm_infos());
  EXPECT_EQ(mixed.counts[0].matched, 0);
  EXPECT_EQ(mixed.translated[0], "");
}

TEST(DialectImport, SavingWritesTheCanonicalForm) {
  for (const auto& [text, file] : std::vector<std::pair<std::string, std::string>>{
           {optical_sections, "o.toml"},
           {"attn: {q_levels: 8}\nfc: {q_levels: 4, q_quantiles: [0.1, 0.9]}\n", "c4.yaml"},
           {std::string("model_args: {}\ntransform_args:\n") + transform_rules, "c6.yaml"}}) {
    const ParsedTransform original = parse(text, file);
    const std::string saved = canonical_text(original.config);
    const ParsedTransform again = parse(saved, "saved.yaml");
    EXPECT_TRUE(again.problems.empty()) << listed(again.problems) << saved;
    EXPECT_EQ(again.config.dialect, TransformDialect::c1_pattern_map);
    ASSERT_EQ(rules_of(again.config), rules_of(original.config)) << saved;
    for (std::size_t r = 0; r < again.config.rules.size(); ++r)
      EXPECT_TRUE(again.config.rules[r].values.same_values(original.config.rules[r].values))
          << saved;
    EXPECT_EQ(transform_digest(plan_transform(inventory(), again.config, paradigm_infos())),
              transform_digest(plan_transform(inventory(), original.config, paradigm_infos())));
  }
  const std::string own = "a: null # kept\n";
  EXPECT_EQ(canonical_text(parse(own).config), own);
}

}  // namespace
}  // namespace engine
