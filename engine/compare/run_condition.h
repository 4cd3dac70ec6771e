// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/compare/expression.h"

#include <optional>
#include <string>
#include <vector>

namespace engine {

/// "eval_loss < loss + 0.1": two expressions and one of < <= > >= = != between them.
class RunCondition {
 public:
  /// Nothing when there is no comparison in `text`. Throws Error naming `place` for one that cannot
  /// be read.
  static std::optional<RunCondition> parse(const std::string& text, const std::string& place);

  /// False when a name has no value.
  bool holds(const Expression::Look& look) const;
  std::vector<std::string> names() const;

 private:
  RunCondition(Expression left, std::string sign, Expression right)
      : left_(std::move(left)), sign_(std::move(sign)), right_(std::move(right)) {}

  Expression left_;
  std::string sign_;
  Expression right_;
};

/// Where the comparison stands in `text` and how long it is; length 0 = there is none.
struct ComparisonSign {
  std::size_t at = 0;
  std::size_t length = 0;
};
ComparisonSign find_comparison(const std::string& text);

}  // namespace engine
