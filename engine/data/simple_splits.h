// SPDX-License-Identifier: GPL-3.0-or-later
// Pre-tokenizer steps that need no pattern of the file's own.
#pragma once

#include "engine/data/pre_tokenizer.h"

namespace engine {

/// ByteLevel's add_prefix_space: a space before every piece that does not start with one.
class PrefixSpace : public PreTokenizer {
 public:
  void split(const TextPiece& piece, RegexScratch& scratch, PieceSink& next) const override;
};

/// ByteLevel's use_regex.
class Gpt2Split : public PreTokenizer {
 public:
  void split(const TextPiece& piece, RegexScratch& scratch, PieceSink& next) const override;
};

/// ByteLevel's alphabet, where another step follows.
class ByteSpelling : public PreTokenizer {
 public:
  void split(const TextPiece& piece, RegexScratch& scratch, PieceSink& next) const override;
};

/// Digits: numbers in any script apart from the rest, one by one or in runs.
class DigitSplit : public PreTokenizer {
 public:
  explicit DigitSplit(bool individual) : individual_(individual) {}
  void split(const TextPiece& piece, RegexScratch& scratch, PieceSink& next) const override;

 private:
  bool individual_;
};

/// Whitespace: runs of word characters and runs of symbols; white space is dropped.
class WordAndSymbolSplit : public PreTokenizer {
 public:
  void split(const TextPiece& piece, RegexScratch& scratch, PieceSink& next) const override;
};

}  // namespace engine
