// SPDX-License-Identifier: GPL-3.0-or-later
// Arithmetic over named quantities: what a user types as a cost.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace engine {

/// "output_conversions * 1.2e-12 + macs * 1e-15": numbers, names, + - * / ^, parentheses, and the
/// functions log2, log10, sqrt, abs.
class Expression {
 public:
  using Look = std::function<std::optional<double>(const std::string& name)>;

  /// Throws Error naming `place` and the offset of what cannot be read.
  static Expression parse(const std::string& text, const std::string& place);

  /// Nothing when a name has no value.
  std::optional<double> value(const Look& look) const;
  /// The names in it, in order of appearance.
  std::vector<std::string> names() const;

  struct Node;

 private:
  explicit Expression(std::shared_ptr<const Node> root) : root_(std::move(root)) {}
  std::shared_ptr<const Node> root_;
};

}  // namespace engine
