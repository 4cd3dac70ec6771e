// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/dialect_import.h"

#include "engine/config/transform_dialect.h"
#include "engine/config/yaml_values.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace engine {
namespace {

constexpr const char* optical = "optical_transformer";
constexpr const char* bitflip = "random_bitflip";
constexpr const char* every_attention = "model\\.layers\\.[0-9]+\\.self_attn";
constexpr const char* every_head = ".*lm_head.*";

class DialectImport {
 public:
  DialectImport(TransformReader& reader, const YamlNode& root) : reader_(reader), root_(root) {}

  void sections() {
    refuse_unknown({"use_lora", "attention", "fc", "lora"});
    const bool use_lora = read_use_lora();
    const YamlPair* attention = root_.find("attention");
    // Bit-flip runs read [lora] in any case, optical ones with adapters only.
    const YamlNode* fc = required_section("fc");
    if (!attention || use_lora) required_section("lora");
    if (use_lora) {
      reader_.config().train_only_lora = true;
      reader_.report("bad-value", place(*root_.find("use_lora")), "true",
                     "use_lora is true, but LoRA adapters are not built in yet",
                     "Set it to false: all weights are then trained");
    } else if (const YamlPair* lora = root_.find("lora")) {
      reader_.note(reader_.document().place(*lora->key), "[lora] is not used: use_lora is false");
    }
    if (fc) generated(attention ? attention->value : nullptr, fc, attention ? optical : bitflip);
  }

  void attention_and_fc() {
    const YamlNode* attention = required_section("attn");
    const YamlNode* fc = required_section("fc");
    if (attention && fc) generated(attention, fc, optical);
  }

  void by_tree() {
    if (root_.find("by")) {
      processing_in_memory();
      return;
    }
    static const std::vector<std::string> stages{
        "quantization_config", "snn_transformer_config_attn", "snn_transformer_config_fc"};
    refuse_unknown(stages);
    std::vector<TransformConfig> read;
    for (const std::string& name : stages) {
      const YamlPair* stage = root_.find(name);
      if (!stage) continue;
      TransformConfig& config = reader_.config();
      config.rules.clear();
      spiking_stage(*stage);
      read.push_back(config);
      reader_.note(reader_.document().place(*stage->key),
                   fmt::format("{} is stage {} of a sequence, with {} rules", name, read.size(),
                               read.back().rules.size()));
    }
    if (read.empty()) return;
    reader_.config().rules = read[0].rules;
    reader_.config().later_stages.assign(read.begin() + 1, read.end());
  }

  void pretraining() {
    const YamlNode* block = transform_block(root_);
    if (!block || !block->is_map() || !block->find("layer_name_to_config")) {
      reader_.report(
          "bad-value",
          block ? reader_.document().place(*block) : Place{reader_.document().file(), 0, 0},
          "transform_args",
          block ? "the block transform_args has no layer_name_to_config"
                : "this pretraining file has no block transform_args",
          "Write the rules below layer_name_to_config in a block transform_args");
      return;
    }
    reader_.read_header(*block);
    reader_.note(
        reader_.document().place(*block),
        fmt::format("the rules are the {} of the block transform_args; other blocks of this "
                    "pretraining file say nothing about layers",
                    reader_.config().rules.size()));
  }

 private:
  Place place(const YamlPair& pair) const { return reader_.document().place(pair.value_offset); }

  void refuse_unknown(const std::vector<std::string>& known) {
    for (const YamlPair& pair : root_.pairs) {
      if (std::find(known.begin(), known.end(), pair.key->text) != known.end()) continue;
      const std::string near = nearest_name(pair.key->text, known);
      reader_.report("bad-value", reader_.document().place(*pair.key), pair.key->text,
                     fmt::format("unknown key {}", pair.key->text),
                     near.empty() ? fmt::format("Known here: {}", fmt::join(known, ", "))
                                  : fmt::format("Did you mean {}?", near));
    }
  }

  bool read_use_lora() {
    const YamlPair* pair = root_.find("use_lora");
    if (!pair) {
      reader_.report("bad-value", {reader_.document().file(), 0, 0}, "use_lora",
                     "use_lora is missing", "Write use_lora = false at the top");
      return false;
    }
    const auto value =
        read_yaml_value(boolean("use_lora", false), *pair, reader_.document(), reader_.problems());
    return value && std::get<bool>(*value);
  }

  const YamlNode* required_section(const char* name) {
    const YamlPair* pair = root_.find(name);
    if (pair && pair->value->is_map()) return pair->value;
    reader_.report("bad-value", pair ? place(*pair) : Place{reader_.document().file(), 0, 0}, name,
                   pair ? fmt::format("{} must be a section of values", name)
                        : fmt::format("the section {} is missing", name));
    return nullptr;
  }

  /// No patterns upstream: the head stays, attentions and all other Linears are replaced.
  void generated(const YamlNode* attention, const YamlNode* fc, const char* paradigm) {
    const YamlDocument& document = reader_.document();
    reader_.add_rule(every_head, {document.file(), 0, 0}, nullptr, "");
    if (attention)
      reader_.add_rule(every_attention, document.place(*attention), attention, paradigm);
    reader_.add_rule("default", document.place(*fc), fc, paradigm);
    reader_.note(document.place(*fc),
                 fmt::format("read as the rules {} → leave alone{}, default → {}", every_head,
                             attention ? fmt::format(", {} → {}", every_attention, paradigm) : "",
                             paradigm));
    if (paradigm == std::string(optical) && !fc->find("q_quantiles"))
      reader_.note(
          document.place(*fc),
          "q_quantiles is left out: it is null here, while NewComputeBench's Linears would "
          "then take (0.001, 0.999)");
  }

  const YamlNode* config_of(const YamlPair& node) {
    const YamlPair* config = node.value->find("config");
    if (config && config->value->is_map()) return config->value;
    reader_.report("bad-value", reader_.document().place(*node.key), node.key->text,
                   fmt::format("{} has no map `config`", node.key->text));
    return nullptr;
  }

  void processing_in_memory() {
    const YamlPair& by = *root_.find("by");
    if (by.value->text != "type" && by.value->text != "name") {
      refuse_by(by, "type or name");
      return;
    }
    const bool by_name = by.value->text == "name";
    reader_.config().use_regex = !by_name;
    for (const YamlPair& node : root_.pairs) {
      if (node.key->text == "by") continue;
      const Place where = reader_.document().place(*node.key);
      if (!by_name && node.key->text != "linear") {
        reader_.note(where, fmt::format("{}: a Llama has no such layer", node.key->text));
        continue;
      }
      if (const YamlNode* config = config_of(node))
        reader_.add_rule(by_name ? node.key->text : "default", where, config, "pim");
    }
    if (by_name) reader_.add_rule("default", place(by), nullptr, "");
    reader_.note(place(by), by_name ? "names are compared as they are; other layers are left alone"
                                    : "linear is read as the rule default → pim");
  }

  void refuse_by(const YamlPair& by, const char* allowed) {
    reader_.report("bad-value", place(by), by.value->text,
                   fmt::format("by is {}, but must be {}", by.value->text, allowed));
  }

  void spiking_stage(const YamlPair& stage) {
    const YamlPair* by = stage.value->is_map() ? stage.value->find("by") : nullptr;
    const std::string kind = by ? by->value->text : "";
    const bool by_regex = kind == "regex" || kind == "regex_name";
    if (!by) {
      reader_.report("bad-value", reader_.document().place(*stage.key), stage.key->text,
                     fmt::format("{} has no key `by`", stage.key->text));
      return;
    }
    if (!by_regex && kind != "type") {
      refuse_by(*by, "regex, regex_name or type");
      return;
    }
    for (const YamlPair& node : stage.value->pairs) {
      if (&node == by || node.key->text == "by") continue;
      const Place where = reader_.document().place(*node.key);
      const std::string pattern = by_regex ? node.key->text : pattern_of_type(node.key->text);
      if (pattern.empty()) {
        reader_.note(where,
                     fmt::format("{} is a part of replaced layers, not a layer", node.key->text));
        continue;
      }
      if (const YamlNode* config = config_of(node))
        reader_.add_rule(pattern, where, config, "spiking");
    }
    reader_.add_rule("default", place(*by), nullptr, "");
  }

  /// All layers of a kind, under the names of a Llama checkpoint.
  static std::string pattern_of_type(const std::string& type) {
    if (type == "linear") return "(.*_proj|lm_head)";
    if (type == "embedding") return "model\\.embed_tokens";
    if (type == "layernorm" || type == "rmsnorm" || type == "norm") return ".*norm";
    if (type == "attention") return every_attention;
    return "";
  }

  TransformReader& reader_;
  const YamlNode& root_;
};

}  // namespace

void import_dialect(TransformReader& reader, const YamlNode& root) {
  DialectImport import(reader, root);
  switch (reader.config().dialect) {
    case TransformDialect::c3_sections:
      import.sections();
      break;
    case TransformDialect::c4_attention_fc:
      import.attention_and_fc();
      break;
    case TransformDialect::c5_by_tree:
      import.by_tree();
      break;
    case TransformDialect::c6_pretraining:
      import.pretraining();
      break;
    default:
      break;
  }
}

}  // namespace engine
