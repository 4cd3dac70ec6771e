// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/transform_dialect.h"

#include <algorithm>
#include <set>

namespace engine {
namespace {

bool ends_with(const std::string& text, const std::string& tail) {
  return text.size() >= tail.size() &&
         text.compare(text.size() - tail.size(), tail.size(), tail) == 0;
}

bool is_pretraining_block(const YamlPair& pair) {
  static const std::set<std::string> sections{"job",          "profiling",  "metrics",
                                              "model",        "optimizer",  "training",
                                              "experimental", "checkpoint", "activation_checkpoint",
                                              "float8",       "comm",       "memory_estimation",
                                              "transform"};
  if (!pair.value->is_map()) return false;
  if (ends_with(pair.key->text, "_args")) return true;
  return sections.count(pair.key->text) > 0 && pair.value->find("value") != nullptr;
}

bool is_only_attention_and_fc(const YamlNode& root) {
  return !root.pairs.empty() &&
         std::all_of(root.pairs.begin(), root.pairs.end(), [](const YamlPair& pair) {
           return pair.key->text == "attn" || pair.key->text == "fc";
         });
}

bool is_by_tree(const YamlNode& root) {
  if (root.find("by")) return true;
  return !root.pairs.empty() &&
         std::all_of(root.pairs.begin(), root.pairs.end(), [](const YamlPair& pair) {
           return pair.value->is_map() && pair.value->find("by") != nullptr;
         });
}

bool is_map_or_null(const YamlPair& pair) { return pair.value->is_map() || pair.value->is_null(); }

}  // namespace

TransformDialect dialect_of(const YamlNode& root) {
  if (root.find("layer_name_to_config")) return TransformDialect::c1_pattern_map;
  if (std::any_of(root.pairs.begin(), root.pairs.end(), is_pretraining_block))
    return TransformDialect::c6_pretraining;
  if (is_by_tree(root)) return TransformDialect::c5_by_tree;
  if (is_only_attention_and_fc(root)) return TransformDialect::c4_attention_fc;
  if (!root.pairs.empty() && std::all_of(root.pairs.begin(), root.pairs.end(), is_map_or_null))
    return TransformDialect::c2_bare_map;
  return TransformDialect::unknown;
}

const YamlNode* transform_block(const YamlNode& root) {
  const YamlPair* block = root.find("transform_args");
  if (!block) block = root.find("transform");
  if (!block) return nullptr;
  const YamlPair* wrapped = block->value->find("value");
  return wrapped && block->value->pairs.size() <= 2 ? wrapped->value : block->value;
}

bool is_toml_name(const std::string& file) { return ends_with(file, ".toml"); }

const char* describe(TransformDialect dialect) {
  switch (dialect) {
    case TransformDialect::c1_pattern_map:
      return "pattern map under layer_name_to_config";
    case TransformDialect::c2_bare_map:
      return "bare pattern map";
    case TransformDialect::c3_sections:
      return "TOML file with sections of the fine-tuning scripts (dialect C3)";
    case TransformDialect::c4_attention_fc:
      return "file with the two maps attn and fc of the RoBERTa scripts (dialect C4)";
    case TransformDialect::c5_by_tree:
      return "tree with `by` of the PIM and spiking scripts (dialect C5)";
    case TransformDialect::c6_pretraining:
      return "full pretraining file with *_args blocks (dialect C6)";
    case TransformDialect::unknown:
      break;
  }
  return "file of no known kind";
}

}  // namespace engine
