// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace engine {

class JsonPart;

/// The "post_processor" section: which ids stand around a text's own. Immutable; any thread.
class PostProcessor {
 public:
  /// Does nothing.
  PostProcessor() = default;
  /// TemplateProcessing, ByteLevel (changes offsets only, so nothing here) and Sequence; Error
  /// naming any other type. Every id it adds must satisfy `is_known`.
  PostProcessor(const JsonPart& part, const std::function<bool(std::int64_t)>& is_known);

  std::vector<std::int32_t> apply(std::vector<std::int32_t> ids, bool add_special_tokens) const;

 private:
  struct Element {
    bool is_text = false;
    std::vector<std::int32_t> ids;
  };
  using Template = std::vector<Element>;
  void add(const JsonPart& part, const std::function<bool(std::int64_t)>& is_known);

  std::vector<Template> templates_;  // applied in order
};

}  // namespace engine
