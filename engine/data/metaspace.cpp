// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/metaspace.h"

#include "engine/data/json_part.h"
#include "engine/utf8.h"

namespace engine {

MetaspaceOptions::MetaspaceOptions(const JsonPart& part) : replacement(part.text("replacement")) {
  if (replacement.empty() || decode_utf8(replacement, 0).length != replacement.size())
    part.at("replacement").refuse("bad-value", "must be one character");
  split = part.boolean("split", true);
  const bool prefix = part.boolean("add_prefix_space", true);
  if (!part.has("prepend_scheme")) {
    prepend = prefix ? Prepend::always : Prepend::never;
    return;
  }
  const JsonPart scheme = part.at("prepend_scheme");
  const std::string name = scheme.text();
  if (name == "always")
    prepend = Prepend::always;
  else if (name == "first")
    prepend = Prepend::first;
  else if (name == "never")
    prepend = Prepend::never;
  else
    scheme.refuse("bad-value", "must be \"always\", \"first\" or \"never\"");
  if (!prefix && prepend != Prepend::never)
    scheme.refuse("bad-value", "contradicts add_prefix_space: false");
}

void MetaspaceSplit::split(const TextPiece& piece, RegexScratch&, PieceSink& next) const {
  const std::string& mark = options_.replacement;
  const bool starts_with_mark = piece.text.starts_with(' ') || piece.text.starts_with(mark);
  const bool wanted = options_.prepend == MetaspaceOptions::Prepend::always ||
                      (options_.prepend == MetaspaceOptions::Prepend::first && piece.origin > 0);
  std::string text;
  text.reserve(piece.text.size() + piece.text.size() / 2);
  if (wanted && !starts_with_mark) text += mark;
  std::size_t origin = 0;
  for (std::size_t i = 0; i < piece.text.size(); ++i) {
    if (piece.text[i] == ' ')
      text += mark;
    else
      text += piece.text[i];
    if (i < piece.origin) origin = text.size();
  }
  const TextPiece marked{text, origin};
  if (!options_.split) return next.take(marked);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t found =
        text.find(mark, begin + (text.compare(begin, mark.size(), mark) == 0 ? mark.size() : 1));
    const std::size_t end = found == std::string::npos ? text.size() : found;
    next.take(marked.sub(begin, end));
    begin = end;
  }
}

}  // namespace engine
