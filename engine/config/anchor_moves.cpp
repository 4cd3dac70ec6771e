// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/anchor_moves.h"

#include "engine/config/yaml_values.h"

#include <algorithm>
#include <map>

namespace engine {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// The text of a scalar as written, when it may stand in a flow map; else quoted anew.
std::string scalar_text(const YamlDocument& document, const YamlNode& node) {
  const std::string& text = document.text();
  const std::size_t begin = content_begin(text, node.offset);
  const char first = begin < text.size() ? text[begin] : '\0';
  const std::size_t end = value_end(document, node, node.offset, -1, true);
  const std::string source = text.substr(begin, end - begin);
  const bool is_one_line = source.find('\n') == std::string::npos;
  if ((first == '"' || first == '\'') && is_one_line) return source;
  if (!node.is_quoted && is_one_line && source == node.text) return source;
  if (!node.is_quoted && !reads_as_text(node.text)) return node.text;
  return yaml_text(node.text);
}

/// Renders nodes in one line. `name` decides what stands for an anchored node: its alias, its
/// anchor and content ("&name "), or its content alone.
class FlowWriter {
 public:
  enum class Naming { alias, definition, content };

  FlowWriter(const YamlDocument& document, std::function<Naming(const YamlNode&, bool)> naming)
      : document_(document), naming_(std::move(naming)) {}

  std::string write(const YamlNode& node, bool is_alias) const {
    if (node.anchor.empty()) return content(node);
    switch (naming_(node, is_alias)) {
      case Naming::alias:
        return "*" + node.anchor;
      case Naming::definition:
        return "&" + node.anchor + " " + content(node);
      case Naming::content:
        break;
    }
    return content(node);
  }

  std::string content(const YamlNode& node) const {
    switch (node.kind) {
      case YamlKind::null:
        return "null";
      case YamlKind::scalar:
        return scalar_text(document_, node);
      case YamlKind::sequence: {
        std::string text = "[";
        for (std::size_t i = 0; i < node.items.size(); ++i)
          text += (i ? ", " : "") +
                  write(*node.items[i], node.item_offsets[i] != node.items[i]->offset);
        return text + "]";
      }
      case YamlKind::map:
        break;
    }
    std::string text = "{";
    for (const YamlPair& pair : node.written) {
      const bool is_alias_key = pair.key_offset != pair.key->offset;
      text += (text.size() > 1 ? ", " : "") + write(*pair.key, is_alias_key) +
              (is_alias_key ? " : " : ": ") +
              write(*pair.value, pair.value_offset != pair.value->offset);
    }
    return text + "}";
  }

 private:
  const YamlDocument& document_;
  std::function<Naming(const YamlNode&, bool)> naming_;
};

/// `&name` at the node, with the space that goes with it.
TextPatch strip(const YamlDocument& document, const YamlNode& node) {
  const std::string& text = document.text();
  const std::size_t begin = text.find('&' + node.anchor, node.offset);
  std::size_t end = begin + 1 + node.anchor.size();
  std::size_t after = end;
  while (after < text.size() && is_blank(text[after])) ++after;
  const bool ends_line = after >= text.size() || text[after] == '\n' || text[after] == '\r';
  if (!ends_line) return {begin, after - begin, ""};
  std::size_t before = begin;
  while (before > 0 && is_blank(text[before - 1])) --before;
  return {before, end - before, ""};
}

class AnchorMover {
 public:
  using Position = std::pair<std::size_t, std::size_t>;

  AnchorMover(const YamlDocument& document,
              const std::function<NewPosition(std::size_t)>& new_position)
      : document_(document), new_position_(new_position) {}

  std::vector<TextPatch> patches() {
    for (const YamlAlias& alias : document_.aliases())
      if (const NewPosition position = new_position_(alias.offset))
        uses_.push_back({*position, &alias});
    std::sort(uses_.begin(), uses_.end());
    for (const YamlNode& node : document_.nodes())
      if (!node.anchor.empty())
        if (const NewPosition position = new_position_(node.offset)) defined_[&node] = *position;
    for (const auto& [position, alias] : uses_) {
      if (is_defined_before(*alias->target, position)) continue;
      const std::size_t length = 1 + alias->target->anchor.size();
      patches_.push_back({alias->offset, length, define(*alias->target, position)});
    }
    return std::move(patches_);
  }

 private:
  bool is_defined_before(const YamlNode& node, const Position& position) const {
    const auto found = defined_.find(&node);
    return found != defined_.end() && found->second < position;
  }

  /// "&name content", once; the definition elsewhere loses its name.
  std::string define(const YamlNode& node, const Position& position) {
    if (new_position_(node.offset)) patches_.push_back(strip(document_, node));
    defined_[&node] = position;
    const FlowWriter writer(document_, [&](const YamlNode& inner, bool) {
      if (defined_.count(&inner) && defined_.at(&inner) <= position)
        return FlowWriter::Naming::alias;
      if (new_position_(inner.offset)) patches_.push_back(strip(document_, inner));
      defined_[&inner] = position;
      return FlowWriter::Naming::definition;
    });
    return "&" + node.anchor + " " + writer.content(node);
  }

  const YamlDocument& document_;
  const std::function<NewPosition(std::size_t)>& new_position_;
  std::vector<std::pair<Position, const YamlAlias*>> uses_;
  std::map<const YamlNode*, Position> defined_;
  std::vector<TextPatch> patches_;
};

}  // namespace

std::vector<TextPatch> anchor_patches(const YamlDocument& document,
                                      const std::function<NewPosition(std::size_t)>& new_position) {
  return AnchorMover(document, new_position).patches();
}

std::vector<TextPatch> detach_patches(const YamlDocument& document, const YamlNode& node) {
  for (const YamlAlias& alias : document.aliases()) {
    if (alias.target != &node) continue;
    // What is named inside stands before this alias and keeps its name there.
    const FlowWriter writer(document,
                            [](const YamlNode&, bool) { return FlowWriter::Naming::alias; });
    return {strip(document, node),
            {alias.offset, 1 + node.anchor.size(), "&" + node.anchor + " " + writer.content(node)}};
  }
  return {};
}

std::vector<TextPatch> without_anchors(const YamlDocument& document, std::size_t begin,
                                       std::size_t end) {
  std::vector<TextPatch> patches;
  for (const YamlNode& node : document.nodes())
    if (!node.anchor.empty() && node.offset >= begin && node.offset < end)
      patches.push_back(strip(document, node));
  return patches;
}

std::string flow_text(const YamlDocument& document, const YamlNode& node) {
  const FlowWriter writer(document, [](const YamlNode&, bool is_alias) {
    return is_alias ? FlowWriter::Naming::alias : FlowWriter::Naming::content;
  });
  return writer.content(node);
}

}  // namespace engine
