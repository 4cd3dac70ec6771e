// SPDX-License-Identifier: GPL-3.0-or-later
// What a transform text says, whatever paradigms are known: the rules in order with their values as
// words. Two texts that mean the same compare equal; so an edit of the text can be checked.
#pragma once

#include "engine/config/yaml_document.h"

#include <map>
#include <string>
#include <vector>

namespace engine {

/// The map of the rules and the pairs in it, in the order of TransformConfig::rules.
struct RuleMap {
  const YamlNode* map = nullptr;  ///< null: there are no rules yet
  const YamlPair* header =
      nullptr;  ///< layer_name_to_config: …; null in a bare map or an empty text
  std::vector<const YamlPair*> rules;
  bool is_editable = true;  ///< false: a text of another dialect, or none that parses
};

RuleMap find_rules(const YamlDocument& document);

struct RuleMeaning {
  std::string pattern;
  std::string whole;  ///< what stands for the rule when it is no map: "null"
  std::map<std::string, std::string> values;  ///< by key; merge keys applied

  bool operator==(const RuleMeaning&) const = default;
};

struct TransformMeaning {
  std::map<std::string, std::string> header;  ///< other keys at the root
  std::vector<RuleMeaning> rules;

  bool operator==(const TransformMeaning&) const = default;
};

TransformMeaning meaning_of(const RuleMap& rules, const YamlNode& root);
/// One value in one spelling: a plain and a quoted text are the same, a number and a quoted number
/// are not.
std::string meaning_of(const YamlNode& node);
/// Of one value as it may stand in a flow map; "" when the text is not exactly one such value.
std::string meaning_of_value(const std::string& yaml);

}  // namespace engine
