// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/simple_splits.h"

#include "engine/data/byte_alphabet.h"
#include "engine/data/unicode_classes.h"
#include "engine/data/word_split.h"
#include "engine/utf8.h"

#include <string>

namespace engine {

void PrefixSpace::split(const TextPiece& piece, RegexScratch&, PieceSink& next) const {
  if (piece.text.starts_with(' ')) return next.take(piece);
  const std::string spaced = " " + std::string(piece.text);
  next.take({spaced, piece.origin > 0 ? piece.origin + 1 : 0});
}

void Gpt2Split::split(const TextPiece& piece, RegexScratch&, PieceSink& next) const {
  const std::uint8_t* classes = char_classes();
  for (std::size_t at = 0; at < piece.text.size();) {
    const std::size_t end = at + next_gpt2_word(piece.text.substr(at), classes);
    next.take(piece.sub(at, end));
    at = end;
  }
}

void ByteSpelling::split(const TextPiece& piece, RegexScratch&, PieceSink& next) const {
  const ByteAlphabet& alphabet = ByteAlphabet::get();
  const std::string spelled = alphabet.spell(piece.text);
  next.take({spelled, alphabet.spell(piece.text.substr(0, piece.origin)).size()});
}

void DigitSplit::split(const TextPiece& piece, RegexScratch&, PieceSink& next) const {
  const std::uint8_t* classes = char_classes();
  std::size_t begin = 0;
  bool in_number = false;
  for (std::size_t at = 0; at < piece.text.size();) {
    const DecodedChar c = decode_utf8(piece.text, at);
    const bool number = (classes[c.code_point] & CharClass::number) != 0;
    if (at > begin && (number != in_number || (number && individual_))) {
      next.take(piece.sub(begin, at));
      begin = at;
    }
    in_number = number;
    at += c.length;
  }
  next.take(piece.sub(begin, piece.text.size()));
}

void WordAndSymbolSplit::split(const TextPiece& piece, RegexScratch&, PieceSink& next) const {
  enum class Kind { space, word, symbol };
  const std::uint8_t* classes = char_classes();
  std::size_t begin = 0;
  Kind run = Kind::space;
  const auto flush = [&](std::size_t end) {
    if (run != Kind::space && end > begin) next.take(piece.sub(begin, end));
    begin = end;
  };
  for (std::size_t at = 0; at < piece.text.size();) {
    const DecodedChar c = decode_utf8(piece.text, at);
    const std::uint8_t bits = classes[c.code_point];
    const Kind kind = (bits & CharClass::word)          ? Kind::word
                      : (bits & CharClass::white_space) ? Kind::space
                                                        : Kind::symbol;
    if (kind != run) flush(at);
    run = kind;
    at += c.length;
  }
  flush(piece.text.size());
}

}  // namespace engine
