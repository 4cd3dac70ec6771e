// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/data/regex.h"
#include "engine/data/text_piece.h"

#include <memory>
#include <vector>

namespace engine {

class JsonPart;

/// One step of the "pre_tokenizer" section: cuts a piece (not empty) into smaller ones, perhaps
/// rewriting them. Immutable; any thread.
class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  /// Gives the parts to `next`, in order, none of them empty.
  virtual void split(const TextPiece& piece, RegexScratch& scratch, PieceSink& next) const = 0;
};

/// The whole section, nested sequences laid out flat.
class PreTokenizerChain {
 public:
  PreTokenizerChain() = default;
  /// ByteLevel, Digits, Split, Whitespace, Metaspace and Sequence; Error naming any other type.
  explicit PreTokenizerChain(const JsonPart& part);

  void split(const TextPiece& piece, RegexScratch& scratch, PieceSink& words) const;
  /// The last step is ByteLevel, and spelling the words in its alphabet is left to who takes them:
  /// words come as plain bytes.
  bool words_are_bytes() const { return words_are_bytes_; }

 private:
  std::vector<std::unique_ptr<PreTokenizer>> steps_;
  bool words_are_bytes_ = false;
};

}  // namespace engine
