// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/scripted/script_source.h"

#include <algorithm>

namespace engine::scripted {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// Splits at commas that stand outside brackets and quotes.
std::vector<std::string_view> split_list(std::string_view text) {
  std::vector<std::string_view> parts;
  int depth = 0;
  char quote = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == '\\') {
        ++i;
      } else if (c == quote) {
        quote = 0;
      }
      continue;
    }
    if (c == '"' || c == '\'') quote = c;
    if (c == '(' || c == '[') ++depth;
    if (c == ')' || c == ']') --depth;
    if (c != ',' || depth != 0) continue;
    parts.push_back(trimmed(text.substr(begin, i - begin)));
    begin = i + 1;
  }
  if (const std::string_view last = trimmed(text.substr(std::min(begin, text.size())));
      !last.empty())
    parts.push_back(last);
  return parts;
}

/// `["scale", "offset", ]` -> scale, offset.
std::vector<std::string> names_in(std::string_view list) {
  std::vector<std::string> names;
  const std::size_t open = list.find('[');
  const std::size_t close = list.rfind(']');
  if (open == list.npos || close == list.npos || close < open) return names;
  for (std::string_view part : split_list(list.substr(open + 1, close - open - 1)))
    if (part.size() >= 2) names.emplace_back(part.substr(1, part.size() - 2));
  return names;
}

std::optional<Declaration> declaration_in(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == text.npos) return std::nullopt;
  std::string_view type = text.substr(colon + 1);
  if (const std::size_t value = type.find('='); value != type.npos) type = type.substr(0, value);
  return Declaration{std::string(trimmed(text.substr(0, colon))), std::string(trimmed(type))};
}

/// `text` begins behind "def ".
std::optional<DeclaredMethod> method_in(std::string_view text) {
  const std::size_t open = text.find('(');
  if (open == text.npos) return std::nullopt;
  DeclaredMethod method;
  method.name = trimmed(text.substr(0, open));
  int depth = 0;
  std::size_t close = open;
  for (; close < text.size(); ++close) {
    if (text[close] == '(' || text[close] == '[') ++depth;
    if (text[close] == ')' || text[close] == ']') --depth;
    if (depth == 0) break;
  }
  if (close >= text.size()) return std::nullopt;
  for (const std::string_view part : split_list(text.substr(open + 1, close - open - 1)))
    if (const auto argument = declaration_in(part)) method.arguments.push_back(*argument);
  if (method.arguments.empty()) return std::nullopt;
  method.arguments.erase(method.arguments.begin());  // self
  const std::string_view rest = text.substr(close + 1);
  const std::size_t arrow = rest.find("->");
  const std::size_t colon = rest.find(':');
  if (arrow != rest.npos && colon != rest.npos && arrow < colon)
    method.result = trimmed(rest.substr(arrow + 2, colon - arrow - 2));
  return method;
}

DeclaredClass class_in(std::string_view body) {
  DeclaredClass declared;
  for (std::size_t at = 0; at < body.size();) {
    const std::size_t end = std::min(body.find('\n', at), body.size());
    const std::string_view line = body.substr(at, end - at);
    const bool is_member = line.size() > 2 && line.substr(0, 2) == "  " && line[2] != ' ';
    const std::string_view member = is_member ? line.substr(2) : std::string_view();
    if (member.substr(0, 4) == "def ") {
      if (auto method = method_in(body.substr(at + 6))) declared.methods.push_back(*method);
    } else if (member.substr(0, 14) == "__parameters__") {
      declared.parameters = names_in(member);
    } else if (member.substr(0, 11) == "__buffers__") {
      declared.buffers = names_in(member);
    } else if (is_member && member.find(" : ") != member.npos) {
      const auto attribute = declaration_in(member);
      if (attribute && attribute->type.substr(0, 6) != "Final[")
        declared.attributes.push_back(*attribute);
    }
    at = end + 1;
  }
  return declared;
}

}  // namespace

const DeclaredMethod* DeclaredClass::method(const std::string& name) const {
  for (const DeclaredMethod& each : methods)
    if (each.name == name) return &each;
  return nullptr;
}

bool DeclaredClass::is_buffer(const std::string& name) const {
  return std::find(buffers.begin(), buffers.end(), name) != buffers.end();
}

std::string file_of_class(const std::string& class_name) {
  std::string path = class_name.substr(0, class_name.rfind('.'));
  std::replace(path.begin(), path.end(), '.', '/');
  return "code/" + path + ".py";
}

std::optional<DeclaredClass> find_declared_class(std::string_view source,
                                                 const std::string& class_name) {
  const std::size_t dot = class_name.rfind('.');
  const std::string name = dot == std::string::npos ? class_name : class_name.substr(dot + 1);
  const std::string head = "class " + name + "(";
  std::size_t begin = source.substr(0, head.size()) == head ? 0 : source.find("\n" + head);
  if (begin == source.npos) return std::nullopt;
  begin = source.find('\n', begin + 1);
  if (begin == source.npos) return std::nullopt;
  const std::size_t end = std::min(source.find("\nclass ", begin), source.size());
  return class_in(source.substr(begin + 1, end - std::min(end, begin + 1)));
}

}  // namespace engine::scripted
