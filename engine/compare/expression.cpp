// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/compare/expression.h"

#include "engine/error.h"
#include "engine/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

namespace engine {

struct Expression::Node {
  char kind = 'n';  ///< n number, v name, f function, else an operator; '~' changes the sign
  double number = 0;
  std::string name;
  std::shared_ptr<const Node> left, right;
};

namespace {

using Node = Expression::Node;
using NodePtr = std::shared_ptr<const Node>;

constexpr int kDeepest = 200;

bool is_function(const std::string& name) {
  return name == "log2" || name == "log10" || name == "sqrt" || name == "abs";
}

class Parser {
 public:
  Parser(const std::string& text, const std::string& place) : text_(text), place_(place) {}

  NodePtr whole() {
    NodePtr root = sum();
    if (at_ < text_.size()) refuse(fmt::format("unexpected \"{}\"", text_.substr(at_, 12)));
    return root;
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    fail("bad-expression", {.file = place_},
         fmt::format("\"{}\": {} at character {}", printable(text_), what, at_ + 1),
         "Write for example output_conversions * 1.2e-12 + macs * 1e-15");
  }

  char peek() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  static NodePtr make(char kind, NodePtr left, NodePtr right) {
    auto node = std::make_shared<Node>();
    node->kind = kind;
    node->left = std::move(left);
    node->right = std::move(right);
    return node;
  }

  NodePtr sum() {
    if (++depth_ > kDeepest) refuse("too deeply nested");
    NodePtr left = product();
    for (char c = peek(); c == '+' || c == '-'; c = peek()) {
      ++at_;
      left = make(c, left, product());
    }
    --depth_;
    return left;
  }

  NodePtr product() {
    NodePtr left = signed_power();
    for (char c = peek(); c == '*' || c == '/'; c = peek()) {
      ++at_;
      left = make(c, left, signed_power());
    }
    return left;
  }

  NodePtr signed_power() {
    if (peek() == '-') {
      if (++depth_ > kDeepest) refuse("too deeply nested");
      ++at_;
      NodePtr node = make('~', signed_power(), nullptr);
      --depth_;
      return node;
    }
    NodePtr base = atom();
    if (peek() != '^') return base;
    if (++depth_ > kDeepest) refuse("too deeply nested");
    ++at_;
    NodePtr node = make('^', base, signed_power());
    --depth_;
    return node;
  }

  NodePtr atom() {
    const char c = peek();
    if (c == '(') {
      ++at_;
      NodePtr inside = sum();
      if (peek() != ')') refuse("a ) is missing");
      ++at_;
      return inside;
    }
    if (std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '.') return number();
    if (std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_') return name();
    refuse(c == '\0' ? "a value is missing" : fmt::format("unexpected \"{}\"", c));
  }

  NodePtr number() {
    auto node = std::make_shared<Node>();
    const char* begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), node->number);
    if (error != std::errc()) refuse("no number");
    at_ += static_cast<std::size_t>(end - begin);
    return node;
  }

  NodePtr name() {
    auto node = std::make_shared<Node>();
    node->kind = 'v';
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '_'))
      node->name += text_[at_++];
    if (peek() != '(') return node;
    if (!is_function(node->name)) refuse(fmt::format("there is no function {}", node->name));
    node->kind = 'f';
    node->left = atom();
    return node;
  }

  const std::string& text_;
  const std::string& place_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

double function_of(const std::string& name, double x) {
  if (name == "log2") return std::log2(x);
  if (name == "log10") return std::log10(x);
  return name == "sqrt" ? std::sqrt(x) : std::abs(x);
}

std::optional<double> value_of(const Node& node, const Expression::Look& look) {
  if (node.kind == 'n') return node.number;
  if (node.kind == 'v') return look(node.name);
  const auto left = value_of(*node.left, look);
  if (!left) return std::nullopt;
  if (node.kind == 'f') return function_of(node.name, *left);
  if (node.kind == '~') return -*left;
  const auto right = value_of(*node.right, look);
  if (!right) return std::nullopt;
  switch (node.kind) {
    case '+':
      return *left + *right;
    case '-':
      return *left - *right;
    case '*':
      return *left * *right;
    case '/':
      return *left / *right;
    default:
      return std::pow(*left, *right);
  }
}

void collect(const Node& node, std::vector<std::string>& names) {
  if (node.kind == 'v' && std::find(names.begin(), names.end(), node.name) == names.end())
    names.push_back(node.name);
  if (node.left) collect(*node.left, names);
  if (node.right) collect(*node.right, names);
}

}  // namespace

Expression Expression::parse(const std::string& text, const std::string& place) {
  return Expression(Parser(text, place).whole());
}

std::optional<double> Expression::value(const Look& look) const { return value_of(*root_, look); }

std::vector<std::string> Expression::names() const {
  std::vector<std::string> names;
  collect(*root_, names);
  return names;
}

}  // namespace engine
