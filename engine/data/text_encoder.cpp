// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/text_encoder.h"

#include "engine/data/byte_alphabet.h"
#include "engine/utf8.h"

#include <span>

namespace engine {

class TextEncoder::WordSink : public PieceSink {
 public:
  WordSink(const TextEncoder& encoder, EncodeScratch& scratch, std::vector<std::int32_t>& ids)
      : encoder_(encoder), scratch_(scratch), ids_(ids) {}
  void take(const TextPiece& piece) override { encoder_.encode_word(piece.text, scratch_, ids_); }

 private:
  const TextEncoder& encoder_;
  EncodeScratch& scratch_;
  std::vector<std::int32_t>& ids_;
};

TextEncoder::TextEncoder(BpeModel model, AddedTokens added, std::unique_ptr<Normalizer> normalizer,
                         PreTokenizerChain pre_tokenizer)
    : model_(std::move(model)),
      added_(std::move(added)),
      normalizer_(std::move(normalizer)),
      pre_tokenizer_(std::move(pre_tokenizer)) {}

void TextEncoder::encode(std::string_view text, EncodeScratch& scratch,
                         std::vector<std::int32_t>& ids) const {
  if (text.empty()) return;
  const TextPiece whole{text, decode_utf8(text, 0).length};
  added_.split_raw(whole, [&](const TextPiece& piece, std::int32_t id) {
    if (id >= 0) {
      ids.push_back(id);
    } else if (normalizer_ == nullptr) {
      encode_normalized(piece, scratch, ids);
    } else {
      NormalizedText normalized{std::string(piece.text), piece.origin};
      normalizer_->apply(normalized, scratch.regex);
      encode_normalized({normalized.text, normalized.origin}, scratch, ids);
    }
  });
}

void TextEncoder::encode_normalized(const TextPiece& piece, EncodeScratch& scratch,
                                    std::vector<std::int32_t>& ids) const {
  WordSink words(*this, scratch, ids);
  added_.split_normalized(piece, [&](const TextPiece& part, std::int32_t id) {
    if (id >= 0)
      ids.push_back(id);
    else
      pre_tokenizer_.split(part, scratch.regex, words);
  });
}

void TextEncoder::encode_word(std::string_view word, EncodeScratch& scratch,
                              std::vector<std::int32_t>& ids) const {
  const bool remember = word.size() <= WordCache::kMaxWordBytes;
  if (remember) {
    if (const auto known = scratch.words.find(word)) {
      ids.insert(ids.end(), known->begin(), known->end());
      return;
    }
  }
  const std::size_t before = ids.size();
  if (pre_tokenizer_.words_are_bytes())
    model_.encode(ByteAlphabet::get().spell(word), scratch.merge, ids);
  else
    model_.encode(word, scratch.merge, ids);
  if (remember) scratch.words.insert(word, std::span(ids).subspan(before));
}

}  // namespace engine
