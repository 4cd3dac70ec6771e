// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/data/pre_tokenizer.h"

#include <string>

namespace engine {

/// The options that Metaspace has as pre-tokenizer and as decoder. Reads the older add_prefix_space
/// too.
struct MetaspaceOptions {
  enum class Prepend { first, never, always };

  explicit MetaspaceOptions(const JsonPart& part);

  std::string replacement;  ///< one character
  Prepend prepend = Prepend::always;
  bool split = true;
};

/// Spaces become `replacement`, one is put in front, and the text is cut before each of them.
class MetaspaceSplit : public PreTokenizer {
 public:
  explicit MetaspaceSplit(MetaspaceOptions options) : options_(std::move(options)) {}
  void split(const TextPiece& piece, RegexScratch& scratch, PieceSink& next) const override;

 private:
  MetaspaceOptions options_;
};

}  // namespace engine
