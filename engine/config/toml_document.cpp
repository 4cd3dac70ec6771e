// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/toml_document.h"

#include "engine/config/number_text.h"
#include "engine/config/yaml_values.h"

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#include <fmt/format.h>
#include <toml++/toml.h>

namespace engine {

class TomlTreeBuilder {
 public:
  TomlTreeBuilder(const std::string& text, const std::string& file, std::vector<Problem>& problems)
      : document_(new YamlDocument(text, file)), problems_(problems) {}

  std::unique_ptr<YamlDocument> build() {
    const YamlLimits limits;
    if (document_->text().size() > limits.bytes) {
      report(0, fmt::format("{} bytes are more than a configuration may have ({})",
                            document_->text().size(), limits.bytes));
      return std::move(document_);
    }
    const toml::parse_result parsed = toml::parse(document_->text(), document_->file());
    if (parsed)
      document_->root_ = table(parsed.table());
    else
      report(offset(parsed.error().source()),
             fmt::format("not TOML: {}", std::string(parsed.error().description())));
    return std::move(document_);
  }

 private:
  std::size_t offset(const toml::source_region& region) const {
    return document_->places_.offset(static_cast<int>(region.begin.line),
                                     static_cast<int>(region.begin.column));
  }

  void report(std::size_t at, std::string message) {
    problems_.push_back(problem_at("bad-toml", document_->place(at), "", std::move(message)));
  }

  YamlNode* make(YamlKind kind, std::size_t at) {
    YamlNode& node = document_->nodes_.emplace_back();
    node.kind = kind;
    node.offset = at;
    node.is_flow = true;
    return &node;
  }

  const YamlNode* scalar(std::string text, bool is_quoted, std::size_t at) {
    YamlNode* node = make(YamlKind::scalar, at);
    node->text = std::move(text);
    node->is_quoted = is_quoted;
    return node;
  }

  const YamlNode* table(const toml::table& table) {
    YamlNode* node = make(YamlKind::map, offset(table.source()));
    for (const auto& [key, value] : table) {
      const std::size_t at = offset(key.source());
      const YamlNode* made = read(value);
      if (made)
        node->written.push_back(
            {scalar(std::string(key.str()), true, at), made, made->offset, false, at});
    }
    node->pairs = node->written;
    return node;
  }

  const YamlNode* array(const toml::array& array) {
    YamlNode* node = make(YamlKind::sequence, offset(array.source()));
    for (const toml::node& item : array)
      if (const YamlNode* made = read(item)) {
        node->items.push_back(made);
        node->item_offsets.push_back(made->offset);
      }
    return node;
  }

  const YamlNode* read(const toml::node& value) {
    const std::size_t at = offset(value.source());
    if (const auto* nested = value.as_table()) return table(*nested);
    if (const auto* list = value.as_array()) return array(*list);
    if (const auto* text = value.as_string()) return scalar(**text, true, at);
    if (const auto* flag = value.as_boolean()) return scalar(**flag ? "true" : "false", false, at);
    if (const auto* whole = value.as_integer()) return scalar(std::to_string(**whole), false, at);
    if (const auto* real = value.as_floating_point()) {
      const bool is_finite = **real - **real == 0;
      return scalar(is_finite ? real_text(**real) : **real > 0 ? ".inf" : ".nan", false, at);
    }
    report(at, "a date or time has no meaning here");
    return nullptr;
  }

  std::unique_ptr<YamlDocument> document_;
  std::vector<Problem>& problems_;
};

std::unique_ptr<YamlDocument> read_toml(const std::string& text, const std::string& file,
                                        std::vector<Problem>& problems) {
  return TomlTreeBuilder(text, file, problems).build();
}

}  // namespace engine
