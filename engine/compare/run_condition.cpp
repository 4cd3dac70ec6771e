// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/compare/run_condition.h"

namespace engine {

ComparisonSign find_comparison(const std::string& text) {
  const std::size_t at = text.find_first_of("<>=!");
  if (at == std::string::npos) return {};
  const bool is_double = at + 1 < text.size() && text[at + 1] == '=';
  if (text[at] == '!' && !is_double) return {};
  return {at, is_double ? std::size_t{2} : std::size_t{1}};
}

std::optional<RunCondition> RunCondition::parse(const std::string& text, const std::string& place) {
  const ComparisonSign sign = find_comparison(text);
  if (sign.length == 0) return std::nullopt;
  return RunCondition(Expression::parse(text.substr(0, sign.at), place),
                      text.substr(sign.at, sign.length),
                      Expression::parse(text.substr(sign.at + sign.length), place));
}

bool RunCondition::holds(const Expression::Look& look) const {
  const auto left = left_.value(look);
  const auto right = right_.value(look);
  if (!left || !right) return false;
  if (sign_ == "<") return *left < *right;
  if (sign_ == "<=") return *left <= *right;
  if (sign_ == ">") return *left > *right;
  if (sign_ == ">=") return *left >= *right;
  if (sign_ == "!=") return *left != *right;
  return *left == *right;
}

std::vector<std::string> RunCondition::names() const {
  std::vector<std::string> names = left_.names();
  for (std::string& name : right_.names()) names.push_back(std::move(name));
  return names;
}

}  // namespace engine
