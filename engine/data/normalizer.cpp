// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/normalizer.h"

#include "engine/data/json_part.h"

#include <fmt/format.h>

#include <stdexcept>
#include <vector>

namespace engine {
namespace {

class Prepend : public Normalizer {
 public:
  explicit Prepend(std::string prefix) : prefix_(std::move(prefix)) {}
  void apply(NormalizedText& text, RegexScratch&) const override {
    if (text.text.empty()) return;
    text.text.insert(0, prefix_);
    if (text.origin > 0) text.origin += prefix_.size();
  }

 private:
  std::string prefix_;
};

class Replace : public Normalizer {
 public:
  Replace(TextPattern pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}

  // The new characters count as coming from the last one that they replace.
  void apply(NormalizedText& text, RegexScratch& scratch) const override {
    NormalizedText result;
    const bool at_start = text.origin > 0;
    pattern_.segments(text.text, scratch, [&](TextRange range, bool is_match) {
      const std::size_t before = result.text.size();
      if (is_match)
        result.text += content_;
      else
        result.text.append(text.text, range.begin, range.end - range.begin);
      const bool from_start = range.end == 0 ? at_start : range.end - 1 < text.origin;
      if (is_match && from_start) result.origin = result.text.size();
      if (!is_match && range.begin < text.origin)
        result.origin = before + std::min(text.origin, range.end) - range.begin;
    });
    text = std::move(result);
  }

 private:
  TextPattern pattern_;
  std::string content_;
};

class NormalizerSequence : public Normalizer {
 public:
  explicit NormalizerSequence(std::vector<std::unique_ptr<Normalizer>> steps)
      : steps_(std::move(steps)) {}
  void apply(NormalizedText& text, RegexScratch& scratch) const override {
    for (const auto& step : steps_) step->apply(text, scratch);
  }

 private:
  std::vector<std::unique_ptr<Normalizer>> steps_;
};

}  // namespace

TextPattern make_text_pattern(const JsonPart& part) {
  const JsonPart pattern = part.at("pattern");
  try {
    if (pattern.value().is_string()) return TextPattern::literal(pattern.text());
    if (pattern.has("String")) return TextPattern::literal(pattern.text("String"));
    if (pattern.has("Regex")) return TextPattern::regex(pattern.text("Regex"));
  } catch (const std::invalid_argument& error) {
    pattern.refuse("bad-pattern", fmt::format("cannot be used: {}", error.what()));
  }
  pattern.refuse("bad-value", "must have \"String\" or \"Regex\"");
}

std::unique_ptr<Normalizer> make_normalizer(const JsonPart& part) {
  const std::string type = part.text("type");
  if (type == "Prepend") return std::make_unique<Prepend>(part.text("prepend"));
  if (type == "Replace")
    return std::make_unique<Replace>(make_text_pattern(part), part.text("content"));
  if (type == "Sequence") {
    std::vector<std::unique_ptr<Normalizer>> steps;
    part.at("normalizers").for_each([&](const JsonPart& step) {
      steps.push_back(make_normalizer(step));
    });
    return std::make_unique<NormalizerSequence>(std::move(steps));
  }
  part.at("type").refuse("unsupported-tokenizer", "names a normalizer that is not supported",
                         "Prepend, Replace and Sequence are");
}

}  // namespace engine
