// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/data/added_tokens.h"
#include "engine/data/bpe_merges.h"
#include "engine/data/bpe_model.h"
#include "engine/data/normalizer.h"
#include "engine/data/pre_tokenizer.h"
#include "engine/data/word_cache.h"

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace engine {

/// Working memory of one encoding thread. What it remembers makes encoding faster, never different.
struct EncodeScratch {
  RegexScratch regex;
  MergeScratch merge;
  WordCache words;
};

/// The road from text to ids, post-processing apart. Immutable; any thread, each with its own
/// scratch.
class TextEncoder {
 public:
  TextEncoder(BpeModel model, AddedTokens added, std::unique_ptr<Normalizer> normalizer,
              PreTokenizerChain pre_tokenizer);

  /// Appends the ids of `text` (valid UTF-8).
  void encode(std::string_view text, EncodeScratch& scratch, std::vector<std::int32_t>& ids) const;

  const Vocabulary& vocabulary() const { return model_.vocabulary(); }
  const AddedTokens& added() const { return added_; }

 private:
  class WordSink;
  void encode_normalized(const TextPiece& piece, EncodeScratch& scratch,
                         std::vector<std::int32_t>& ids) const;
  void encode_word(std::string_view word, EncodeScratch& scratch,
                   std::vector<std::int32_t>& ids) const;

  BpeModel model_;
  AddedTokens added_;
  std::unique_ptr<Normalizer> normalizer_;  // null = none
  PreTokenizerChain pre_tokenizer_;
};

}  // namespace engine
