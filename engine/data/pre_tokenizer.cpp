// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/pre_tokenizer.h"

#include "engine/data/json_part.h"
#include "engine/data/metaspace.h"
#include "engine/data/simple_splits.h"
#include "engine/data/split_pattern.h"

namespace engine {
namespace {

using Steps = std::vector<std::unique_ptr<PreTokenizer>>;

constexpr const char* kSupported =
    "ByteLevel, Digits, Split, Whitespace, Metaspace and Sequence are";

void leaves(const JsonPart& part, std::vector<JsonPart>& found) {
  if (part.text("type") == "Sequence")
    part.at("pretokenizers").for_each([&](const JsonPart& child) { leaves(child, found); });
  else
    found.push_back(part);
}

void add_steps(const JsonPart& part, bool spell_bytes, Steps& steps) {
  const std::string type = part.text("type");
  if (type == "ByteLevel") {
    if (part.boolean("add_prefix_space", true)) steps.push_back(std::make_unique<PrefixSpace>());
    if (part.boolean("use_regex", true)) steps.push_back(std::make_unique<Gpt2Split>());
    if (spell_bytes) steps.push_back(std::make_unique<ByteSpelling>());
  } else if (type == "Digits") {
    steps.push_back(std::make_unique<DigitSplit>(part.boolean("individual_digits", false)));
  } else if (type == "Whitespace") {
    steps.push_back(std::make_unique<WordAndSymbolSplit>());
  } else if (type == "Split") {
    steps.push_back(make_split(part));
  } else if (type == "Metaspace") {
    steps.push_back(std::make_unique<MetaspaceSplit>(MetaspaceOptions(part)));
  } else {
    part.at("type").refuse("unsupported-tokenizer", "names a pre-tokenizer that is not supported",
                           kSupported);
  }
}

// Hands every piece to step `index`, and what that gives to the next step's stage.
class Stage : public PieceSink {
 public:
  Stage(const Steps& steps, std::size_t index, RegexScratch& scratch, PieceSink& words)
      : steps_(steps), index_(index), scratch_(scratch), words_(words) {}

  void take(const TextPiece& piece) override {
    if (index_ + 1 == steps_.size()) return steps_[index_]->split(piece, scratch_, words_);
    Stage next(steps_, index_ + 1, scratch_, words_);
    steps_[index_]->split(piece, scratch_, next);
  }

 private:
  const Steps& steps_;
  std::size_t index_;
  RegexScratch& scratch_;
  PieceSink& words_;
};

}  // namespace

PreTokenizerChain::PreTokenizerChain(const JsonPart& part) {
  std::vector<JsonPart> parts;
  leaves(part, parts);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool last = i + 1 == parts.size();
    add_steps(parts[i], !last, steps_);
    if (last) words_are_bytes_ = parts[i].text("type") == "ByteLevel";
  }
}

void PreTokenizerChain::split(const TextPiece& piece, RegexScratch& scratch,
                              PieceSink& words) const {
  if (steps_.empty()) return words.take(piece);
  Stage(steps_, 0, scratch, words).take(piece);
}

}  // namespace engine
