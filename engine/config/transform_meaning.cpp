// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/transform_meaning.h"

#include "engine/config/transform_dialect.h"
#include "engine/config/yaml_layout.h"
#include "engine/config/yaml_values.h"

#include <algorithm>

namespace engine {

RuleMap find_rules(const YamlDocument& document) {
  RuleMap found;
  const YamlNode* root = document.root();
  if (!root || (!root->is_map() && !root->is_null())) return {nullptr, nullptr, {}, false};
  if (root->is_null() || root->pairs.empty()) return found;
  const TransformDialect dialect = dialect_of(*root);
  if (dialect == TransformDialect::c1_pattern_map) {
    found.header = root->find("layer_name_to_config");
    if (!found.header->value->is_map() && !found.header->value->is_null())
      return {nullptr, nullptr, {}, false};
    if (found.header->value->is_map()) found.map = found.header->value;
  } else if (dialect == TransformDialect::c2_bare_map) {
    found.map = root;
  } else {
    return {nullptr, nullptr, {}, false};
  }
  std::vector<Problem> unreadable;
  if (found.map)
    for (const YamlPair& pair : found.map->pairs)
      if (read_yaml_key(*pair.key, document, unreadable)) found.rules.push_back(&pair);
  return found;
}

TransformMeaning meaning_of(const RuleMap& rules, const YamlNode& root) {
  TransformMeaning meaning;
  if (rules.map != &root)
    for (const YamlPair& pair : root.pairs)
      if (&pair != rules.header) meaning.header[pair.key->text] = meaning_of(*pair.value);
  for (const YamlPair* pair : rules.rules) {
    RuleMeaning rule{pair->key->text, "", {}};
    if (pair->value->is_map())
      for (const YamlPair& value : pair->value->pairs)
        rule.values[value.key->text] = meaning_of(*value.value);
    else
      rule.whole = meaning_of(*pair->value);
    meaning.rules.push_back(std::move(rule));
  }
  return meaning;
}

std::string meaning_of(const YamlNode& node) {
  switch (node.kind) {
    case YamlKind::null:
      return "null";
    case YamlKind::scalar:
      return node.is_quoted || reads_as_text(node.text) ? "text " + node.text : node.text;
    case YamlKind::sequence: {
      std::string text = "[";
      for (const YamlNode* item : node.items) text += meaning_of(*item) + ",\n";
      return text + "]";
    }
    case YamlKind::map:
      break;
  }
  std::vector<std::string> pairs;
  for (const YamlPair& pair : node.pairs)
    pairs.push_back(meaning_of(*pair.key) + ":\n" + meaning_of(*pair.value));
  std::sort(pairs.begin(), pairs.end());
  std::string text = "{";
  for (const std::string& pair : pairs) text += pair + ",\n";
  return text + "}";
}

std::string meaning_of_value(const std::string& yaml) {
  std::vector<Problem> problems;
  const std::string head = "{key: ";
  const YamlDocument document(head + yaml + "\n}", "", problems);
  if (yaml.empty() || !problems.empty() || !document.root()) return "";
  const YamlNode& root = *document.root();
  if (!root.is_map() || root.written.size() != 1 || !root.find("key")) return "";
  // All of the text is the value: no comment, no anchor, no space around it.
  const PairLayout layout = layout_of(document, root)[0];
  const bool is_all =
      layout.value_begin == head.size() && layout.value_end == head.size() + yaml.size();
  if (!is_all || layout.is_alias || !layout.pair->value->anchor.empty()) return "";
  return meaning_of(*layout.pair->value);
}

}  // namespace engine
