// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/yaml_document.h"

#include "engine/utf8.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <unordered_map>

namespace engine {
namespace {

constexpr std::string_view utf8_mark = "\xEF\xBB\xBF";

/// Ends the parsing from inside an event.
struct Stop {
  std::size_t offset;
  std::string message;
  std::string remedy;
};

}  // namespace

const YamlPair* YamlNode::find(const std::string& key) const {
  for (const YamlPair& pair : pairs)
    if (pair.key->kind == YamlKind::scalar && pair.key->text == key) return &pair;
  return nullptr;
}

namespace {

/// Where the text of a scalar begins, behind its anchor and tag; npos where there is none.
std::size_t scalar_start(const std::string& source, std::size_t offset) {
  std::size_t i = offset;
  while (i < source.size() && (source[i] == '&' || source[i] == '!')) {
    i = source.find_first_of(" \t\r\n", i);
    if (i != std::string::npos) i = source.find_first_not_of(" \t\r\n", i);
    if (i == std::string::npos) return i;
  }
  return i < source.size() ? i : std::string::npos;
}

/// Whether the text ends inside a quoted scalar. yaml-cpp takes that for its end behind a newline.
bool is_left_open(const std::string& source, std::size_t offset) {
  std::size_t i = scalar_start(source, offset);
  if (i == std::string::npos || (source[i] != '\'' && source[i] != '"')) return false;
  const char quote = source[i];
  for (++i; i < source.size(); ++i) {
    if (quote == '"' && source[i] == '\\') {
      ++i;
    } else if (source[i] == quote) {
      if (quote == '"' || source.compare(i, 2, "''") != 0) return false;
      ++i;
    }
  }
  return true;
}

}  // namespace

/// Builds the tree from yaml-cpp's events. Depth, aliases and size are checked before the parser
/// goes deeper.
class YamlTreeBuilder : public YAML::EventHandler {
 public:
  YamlTreeBuilder(YamlDocument& document, const YamlLimits& limits, std::size_t shift,
                  std::vector<Problem>& problems)
      : document_(document), limits_(limits), shift_(shift), problems_(problems) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0)
      throw Stop{offset(mark), "a second document starts here", "Keep exactly one"};
  }
  void OnDocumentEnd() override {}
  void OnAnchor(const YAML::Mark&, const std::string& name) override { pending_anchor_ = name; }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(new_node(YamlKind::null, mark, anchor), offset(mark));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    open(YamlKind::sequence, mark, tag, "tag:yaml.org,2002:seq", anchor, style);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open(YamlKind::map, mark, tag, "tag:yaml.org,2002:map", anchor, style);
  }
  void OnMapEnd() override {
    finish_map(*stack_.back().node);
    close();
  }

  const YamlNode* root() const { return root_; }

 private:
  struct Frame {
    YamlNode* node;
    const YamlNode* key = nullptr;  ///< map: the key that waits for its value
    std::size_t key_offset = 0;
  };

  std::size_t offset(const YAML::Mark& mark) const {
    return static_cast<std::size_t>(mark.pos) + shift_;
  }
  Place place(std::size_t at) const { return document_.place(at); }

  YamlNode* new_node(YamlKind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (document_.nodes_.size() >= limits_.nodes)
      throw Stop{offset(mark), fmt::format("more than {} nodes", limits_.nodes), ""};
    YamlNode& node = document_.nodes_.emplace_back();
    node.kind = kind;
    node.offset = offset(mark);
    if (anchor != YAML::NullAnchor) {
      anchors_[anchor] = &node;
      node.anchor = pending_anchor_;
    }
    return &node;
  }

  void report(const char* id, std::size_t at, std::string value, std::string message,
              std::string remedy = "") {
    Problem problem;
    problem.id = id;
    problem.place = place(at);
    problem.value = std::move(value);
    problem.message = std::move(message);
    problem.remedy = std::move(remedy);
    problems_.push_back(std::move(problem));
    constexpr int most_problems = 100;
    if (++reported_ > most_problems)
      throw Stop{at, fmt::format("more than {} problems", most_problems), ""};
  }

  void check_tag(const std::string& tag, const char* expected, std::size_t at) {
    if (tag.empty() || tag == "?" || tag == "!" || tag == expected) return;
    report("bad-yaml", at, tag, fmt::format("unknown tag {}", tag), "Remove it");
  }

  void add(const YamlNode* node, std::size_t value_offset);
  void open(YamlKind kind, const YAML::Mark& mark, const std::string& tag, const char* expected_tag,
            YAML::anchor_t anchor, YAML::EmitterStyle::value style);
  void close();
  void finish_map(YamlNode& map);
  void merge(const YamlPair& source, std::vector<YamlPair>& merged);

  YamlDocument& document_;
  const YamlLimits& limits_;
  const std::size_t shift_;
  std::vector<Problem>& problems_;
  std::vector<Frame> stack_;
  std::map<YAML::anchor_t, const YamlNode*> anchors_;
  std::string pending_anchor_;
  const YamlNode* root_ = nullptr;
  int documents_ = 0;
  int aliases_ = 0;
  int reported_ = 0;
};

void YamlTreeBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  if (++aliases_ > limits_.aliases)
    throw Stop{offset(mark), fmt::format("more than {} aliases", limits_.aliases), ""};
  const auto target = anchors_.find(anchor);
  if (target == anchors_.end())
    throw Stop{offset(mark), "the alias names an anchor that does not exist", ""};
  for (const Frame& frame : stack_)
    if (frame.node == target->second)
      throw Stop{offset(mark),
                 fmt::format("the alias *{} stands inside its own anchor", target->second->anchor),
                 ""};
  document_.aliases_.push_back({offset(mark), target->second});
  add(target->second, offset(mark));
}

void YamlTreeBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag,
                               YAML::anchor_t anchor, const std::string& value) {
  static const std::set<std::string> plain_tags{"tag:yaml.org,2002:int", "tag:yaml.org,2002:float",
                                                "tag:yaml.org,2002:bool", "tag:yaml.org,2002:null"};
  YamlNode* node = new_node(YamlKind::scalar, mark, anchor);
  node->text = value;
  node->is_quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
  if (node->is_quoted && is_left_open(document_.text_, node->offset))
    throw Stop{node->offset, "the quote that opens here is never closed", "Close it"};
  if (!plain_tags.count(tag)) check_tag(tag, "tag:yaml.org,2002:str", node->offset);
  add(node, node->offset);
}

void YamlTreeBuilder::open(YamlKind kind, const YAML::Mark& mark, const std::string& tag,
                           const char* expected_tag, YAML::anchor_t anchor,
                           YAML::EmitterStyle::value style) {
  if (static_cast<int>(stack_.size()) >= limits_.depth)
    throw Stop{offset(mark), fmt::format("nested deeper than {} levels", limits_.depth), ""};
  YamlNode* node = new_node(kind, mark, anchor);
  node->is_flow = style == YAML::EmitterStyle::Flow;
  check_tag(tag, expected_tag, node->offset);
  stack_.push_back({node});
}

void YamlTreeBuilder::close() {
  const YamlNode* node = stack_.back().node;
  stack_.pop_back();
  if (node->expanded_nodes > limits_.nodes)
    throw Stop{node->offset, fmt::format("aliases expand to more than {} nodes", limits_.nodes),
               ""};
  add(node, node->offset);
}

void YamlTreeBuilder::add(const YamlNode* node, std::size_t value_offset) {
  if (stack_.empty()) {
    root_ = node;
    return;
  }
  Frame& frame = stack_.back();
  frame.node->expanded_nodes += node->expanded_nodes;
  if (frame.node->kind == YamlKind::sequence) {
    frame.node->items.push_back(node);
    frame.node->item_offsets.push_back(value_offset);
  } else if (!frame.key) {
    frame.key = node;
    frame.key_offset = value_offset;
  } else {
    frame.node->written.push_back({frame.key, node, value_offset, false, frame.key_offset});
    frame.key = nullptr;
  }
}

namespace {

bool is_merge_key(const YamlNode& key) { return key.is_plain() && key.text == "<<"; }

std::string key_text(const YamlNode& key) { return key.is_null() ? "null" : key.text; }

/// Python's dictionary order: a key stays where it came first and takes the value that came last.
void put(std::vector<YamlPair>& pairs, std::unordered_map<std::string, std::size_t>& index,
         const YamlPair& pair) {
  const auto [entry, is_new] = index.emplace(key_text(*pair.key), pairs.size());
  if (is_new)
    pairs.push_back(pair);
  else
    pairs[entry->second] = pair;
}

}  // namespace

void YamlTreeBuilder::merge(const YamlPair& source, std::vector<YamlPair>& merged) {
  const auto take = [&](const YamlNode& node) {
    if (!node.is_map()) {
      report("bad-yaml", source.value_offset, node.text,
             "the merge key << takes a map or a list of maps, not a value");
      return;
    }
    for (YamlPair pair : node.pairs) {
      pair.is_merged = true;
      merged.push_back(pair);
    }
  };
  if (source.value->kind != YamlKind::sequence) {
    take(*source.value);
    return;
  }
  for (auto item = source.value->items.rbegin(); item != source.value->items.rend(); ++item)
    take(**item);
}

void YamlTreeBuilder::finish_map(YamlNode& map) {
  std::vector<YamlPair> all;
  std::unordered_map<std::string, const YamlPair*> first;
  for (const YamlPair& pair : map.written) {
    if (pair.key->kind == YamlKind::sequence || pair.key->is_map()) {
      report("bad-yaml", pair.key->offset, "", "a key must be a text, not a list or a map");
      continue;
    }
    const std::string text = is_merge_key(*pair.key) ? std::string("\0<<", 3) : key_text(*pair.key);
    const auto [earlier, is_new] = first.emplace(text, &pair);
    if (!is_new) {
      report("duplicate-key", pair.key->offset, key_text(*pair.key),
             fmt::format("{} is written twice; the first one is at {}", key_text(*pair.key),
                         to_string(place(earlier->second->key->offset))),
             "Delete one of them");
      continue;
    }
    if (is_merge_key(*pair.key)) merge(pair, all);
  }
  for (const YamlPair& pair : map.written) {
    const auto kept = first.find(key_text(*pair.key));
    if (!is_merge_key(*pair.key) && kept != first.end() && kept->second == &pair)
      all.push_back(pair);
  }
  std::unordered_map<std::string, std::size_t> index;
  for (const YamlPair& pair : all) put(map.pairs, index, pair);
}

YamlDocument::YamlDocument(std::string text, std::string file, std::vector<Problem>& problems,
                           const YamlLimits& limits)
    : text_(std::move(text)), file_(std::move(file)), places_(text_) {
  read(problems, limits);
}

namespace {

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\n' && c != '\r' && c != '\t') || byte == 0x7F;
}

/// Bytes that may not be in a YAML text, and brackets so deep that the scanner itself would suffer.
void check_bytes(const std::string& text, const YamlLimits& limits) {
  if (text.size() > limits.bytes)
    throw Stop{0,
               fmt::format("{} bytes are more than a configuration may have ({})", text.size(),
                           limits.bytes),
               ""};
  const std::size_t invalid = first_invalid_utf8(text);
  if (invalid != std::string::npos)
    throw Stop{invalid,
               fmt::format("byte 0x{:02X} is not UTF-8", static_cast<unsigned char>(text[invalid])),
               "Save the file as UTF-8"};
  const auto control = std::find_if(text.begin(), text.end(), is_control);
  if (control != text.end())
    throw Stop{static_cast<std::size_t>(control - text.begin()),
               fmt::format("control character 0x{:02X} is not allowed in YAML",
                           static_cast<unsigned char>(*control)),
               "Is this a text file?"};
  constexpr int deepest_brackets = 1000;
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '[' || text[i] == '{') ++depth;
    if (text[i] == ']' || text[i] == '}') depth = std::max(0, depth - 1);
    if (depth > deepest_brackets)
      throw Stop{i, fmt::format("more than {} open brackets", deepest_brackets), ""};
  }
}

}  // namespace

void YamlDocument::read(std::vector<Problem>& problems, const YamlLimits& limits) {
  const auto report = [&](std::size_t offset, const std::string& message,
                          const std::string& remedy) {
    Problem problem;
    problem.id = "bad-yaml";
    problem.place = place(offset);
    problem.message = message;
    problem.remedy = remedy;
    problems.push_back(std::move(problem));
    root_ = nullptr;
  };
  const std::size_t shift =
      text_.compare(0, utf8_mark.size(), utf8_mark) == 0 ? utf8_mark.size() : 0;
  try {
    check_bytes(text_, limits);
    std::istringstream stream(text_.substr(shift));
    YAML::Parser parser(stream);
    YamlTreeBuilder builder(*this, limits, shift, problems);
    while (parser.HandleNextDocument(builder)) {
    }
    if (!builder.root()) nodes_.emplace_back();
    root_ = builder.root() ? builder.root() : &nodes_.back();
  } catch (const Stop& stop) {
    report(stop.offset, stop.message, stop.remedy);
  } catch (const YAML::Exception& error) {
    const std::size_t offset =
        error.mark.is_null() ? 0 : static_cast<std::size_t>(error.mark.pos) + shift;
    report(offset, "not YAML: " + error.msg, "");
  }
}

namespace {

std::size_t utf8_length(unsigned long code) {
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

/// Length in the source, and in the value, of what stands at `i` inside double quotes.
std::pair<std::size_t, std::size_t> double_quoted_step(const std::string& source, std::size_t i) {
  if (source[i] != '\\' || i + 1 >= source.size()) return {1, 1};
  const char kind = source[i + 1];
  const std::size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
  if (digits == 0) return {2, kind == '_' || kind == 'N' ? 2 : kind == 'L' || kind == 'P' ? 3 : 1};
  const std::string hex = source.substr(i + 2, digits);
  return {2 + digits, utf8_length(std::strtoul(hex.c_str(), nullptr, 16))};
}

}  // namespace

std::size_t offset_in_scalar(const std::string& source, std::size_t offset, std::size_t index) {
  std::size_t i = scalar_start(source, offset);
  if (i == std::string::npos) return offset;
  const char quote = source[i] == '\'' || source[i] == '"' ? source[i] : '\0';
  if (quote) ++i;
  std::size_t done = 0;
  while (done < index) {
    if (i >= source.size() || source[i] == '\n' || source[i] == '\r') return offset;
    if (quote == '"') {
      const auto [in_source, in_value] = double_quoted_step(source, i);
      i += in_source;
      done += in_value;
    } else {
      i += quote == '\'' && source.compare(i, 2, "''") == 0 ? 2 : 1;
      ++done;
    }
  }
  return i;
}

}  // namespace engine
