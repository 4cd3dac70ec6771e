// SPDX-License-Identifier: GPL-3.0-or-later
// One YAML document as a tree of nodes that know where they stand. The only part of the project
// that includes yaml-cpp, whose parser we use for its events alone: merge keys, duplicate keys,
// aliases and limits are handled here.
#pragma once

#include "engine/config/text_places.h"
#include "engine/problem.h"

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace engine {

enum class YamlKind { null, scalar, sequence, map };

struct YamlNode;

struct YamlPair {
  const YamlNode* key = nullptr;
  const YamlNode* value = nullptr;
  std::size_t value_offset = 0;  ///< where the value is written in this map: of an alias, the alias
  bool is_merged = false;        ///< comes from a merge key
  std::size_t key_offset = 0;    ///< where the key is written in this map: of an alias, the alias
};

struct YamlNode {
  YamlKind kind = YamlKind::null;
  std::string text;        ///< scalar: the value, escapes and folding applied
  bool is_quoted = false;  ///< scalar: quoted, a block or tagged !!str, hence text and nothing else
  std::size_t offset = 0;  ///< byte offset of the node (of its anchor or tag, if any) in the text
  std::string anchor;
  bool is_flow = false;  ///< sequence or map: written in brackets or braces
  std::vector<const YamlNode*> items;
  std::vector<std::size_t> item_offsets;  ///< where each item is written: of an alias, the alias
  std::vector<YamlPair> written;          ///< map: as in the text, `<<` included
  std::vector<YamlPair> pairs;  ///< map: merge keys applied; merged pairs first, own values win
  std::uint64_t expanded_nodes = 1;  ///< nodes below, aliases followed

  bool is_map() const { return kind == YamlKind::map; }
  bool is_null() const { return kind == YamlKind::null; }
  bool is_plain() const { return kind == YamlKind::scalar && !is_quoted; }
  const YamlPair* find(const std::string& key) const;
};

/// One `*name` in the text.
struct YamlAlias {
  std::size_t offset = 0;
  const YamlNode* target = nullptr;
};

struct YamlLimits {
  std::size_t bytes = 1u << 20;
  int depth = 64;
  int aliases = 10'000;
  std::uint64_t nodes = 100'000;  ///< aliases followed
};

class YamlDocument {
 public:
  /// Never throws for what a text can hold: syntax errors, limits, duplicate keys, bad merges,
  /// unknown tags, several documents and bytes that are not UTF-8 become located problems
  /// ("bad-yaml", "duplicate-key").
  YamlDocument(std::string text, std::string file, std::vector<Problem>& problems,
               const YamlLimits& limits = {});

  YamlDocument(const YamlDocument&) = delete;
  YamlDocument& operator=(const YamlDocument&) = delete;

  /// Null when the text could not be read; an empty text has a root of kind null.
  const YamlNode* root() const { return root_; }
  const std::string& text() const { return text_; }
  const std::string& file() const { return file_; }
  /// In the order of the text.
  const std::vector<YamlAlias>& aliases() const { return aliases_; }
  /// Every node that is written in the text, in the order in which they end or, of collections,
  /// begin.
  const std::deque<YamlNode>& nodes() const { return nodes_; }

  Place place(const YamlNode& node) const { return place(node.offset); }
  Place place(std::size_t offset) const { return places_.at(offset, file_); }

 private:
  friend class YamlTreeBuilder;
  friend class TomlTreeBuilder;
  /// Without nodes: a builder adds them.
  YamlDocument(std::string text, std::string file)
      : text_(std::move(text)), file_(std::move(file)), places_(text_) {}
  void read(std::vector<Problem>& problems, const YamlLimits& limits);

  const std::string text_;
  const std::string file_;
  const TextPlaces places_;
  std::deque<YamlNode> nodes_;
  std::vector<YamlAlias> aliases_;
  const YamlNode* root_ = nullptr;
};

/// Byte offset in `source` of byte `index` of the value of the scalar that stands at `offset`
/// (quotes, doubled quotes and escapes counted; an anchor or tag before it skipped). The scalar's
/// own offset when it goes over several lines.
std::size_t offset_in_scalar(const std::string& source, std::size_t offset, std::size_t index);

}  // namespace engine
