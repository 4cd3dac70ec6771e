// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/post_processor.h"

#include "engine/data/json_part.h"

namespace engine {

PostProcessor::PostProcessor(const JsonPart& part,
                             const std::function<bool(std::int64_t)>& is_known) {
  add(part, is_known);
}

void PostProcessor::add(const JsonPart& part, const std::function<bool(std::int64_t)>& is_known) {
  const std::string type = part.text("type");
  if (type == "ByteLevel") return;
  if (type == "Sequence") {
    part.at("processors").for_each([&](const JsonPart& step) { add(step, is_known); });
    return;
  }
  if (type != "TemplateProcessing")
    part.at("type").refuse("unsupported-tokenizer", "names a post-processor that is not supported",
                           "TemplateProcessing, ByteLevel and Sequence are");
  Template elements;
  bool has_text = false;
  part.at("single").for_each([&](const JsonPart& piece) {
    if (piece.has("Sequence")) {
      if (piece.at("Sequence").text("id") != "A" || has_text)
        piece.refuse("unsupported-tokenizer",
                     "asks for a second text in the template for single texts");
      has_text = true;
      elements.push_back({true, {}});
      return;
    }
    if (!piece.has("SpecialToken"))
      piece.refuse("bad-value", "must be a Sequence or a SpecialToken");
    const std::string name = piece.at("SpecialToken").text("id");
    Element element;
    part.at("special_tokens").at(name.c_str()).at("ids").for_each([&](const JsonPart& id) {
      if (!is_known(id.integer(0, INT32_MAX))) id.refuse("bad-value", "is the id of no token");
      element.ids.push_back(static_cast<std::int32_t>(id.integer(0, INT32_MAX)));
    });
    elements.push_back(std::move(element));
  });
  templates_.push_back(std::move(elements));
}

std::vector<std::int32_t> PostProcessor::apply(std::vector<std::int32_t> ids,
                                               bool add_special_tokens) const {
  for (const Template& elements : templates_) {
    std::vector<std::int32_t> result;
    result.reserve(ids.size() + elements.size());
    for (const Element& element : elements) {
      if (element.is_text)
        result.insert(result.end(), ids.begin(), ids.end());
      else if (add_special_tokens)
        result.insert(result.end(), element.ids.begin(), element.ids.end());
    }
    ids = std::move(result);
  }
  return ids;
}

}  // namespace engine
