// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/added_tokens.h"

#include "engine/data/json_part.h"
#include "engine/data/normalizer.h"
#include "engine/data/unicode_classes.h"
#include "engine/data/vocabulary.h"
#include "engine/utf8.h"

#include <fmt/format.h>

#include <algorithm>

namespace engine {
namespace {

bool has_class(std::string_view text, std::size_t at, std::uint8_t wanted) {
  return (char_classes()[decode_utf8(text, at).code_point] & wanted) != 0;
}

// Where the white space that ends at `end` begins, not before the character border `least`.
std::size_t space_start(std::string_view text, std::size_t end, std::size_t least) {
  while (end > least) {
    const std::size_t before = previous_char(text, end);
    if (!has_class(text, before, CharClass::white_space)) break;
    end = before;
  }
  return end;
}

std::size_t space_end(std::string_view text, std::size_t at) {
  while (at < text.size() && has_class(text, at, CharClass::white_space))
    at += decode_utf8(text, at).length;
  return at;
}

AddedToken read_token(const JsonPart& part) {
  AddedToken token;
  token.content = part.text("content");
  token.special = part.boolean("special", false);
  token.single_word = part.boolean("single_word", false);
  token.lstrip = part.boolean("lstrip", false);
  token.rstrip = part.boolean("rstrip", false);
  token.normalized = part.boolean("normalized", !token.special);
  return token;
}

}  // namespace

AddedTokens::AddedTokens(const JsonPart& part, const Vocabulary& vocabulary,
                         const Normalizer* normalizer) {
  part.for_each([&](const JsonPart& token) { add(token, vocabulary); });
  RegexScratch scratch;
  for (const auto& [id, token] : by_id_) {
    NormalizedText text{token.content, 0};
    if (token.normalized && normalizer != nullptr) normalizer->apply(text, scratch);
    if (text.text.empty())
      part.refuse("unsupported-tokenizer",
                  fmt::format("has \"{}\", which the normalizer makes empty", token.content));
    (token.normalized ? normalized_ : raw_).add(text.text, id);
  }
}

void AddedTokens::add(const JsonPart& part, const Vocabulary& vocabulary) {
  AddedToken token = read_token(part);
  if (token.content.empty()) return;
  const std::int32_t in_model = vocabulary.id_of(token.content);
  const std::int32_t next_free = std::max(vocabulary.size(), id_bound());
  const std::int32_t expected = ids_.contains(token.content) ? ids_.at(token.content)
                                : in_model >= 0              ? in_model
                                                             : next_free;
  const std::int64_t id = part.has("id") ? part.at("id").integer(0, INT32_MAX - 1) : expected;
  if (id != expected)
    part.refuse(
        "bad-value",
        fmt::format("has the id {} where Hugging Face's library would give it {}", id, expected),
        "Ids of added tokens must be those of the vocabulary, or follow it without a hole");
  if (token.special) special_.insert(token.content);
  ids_[token.content] = expected;
  by_id_[expected] = std::move(token);
}

const AddedToken* AddedTokens::find(std::int64_t id) const {
  if (id < 0 || id >= id_bound()) return nullptr;
  const auto found = by_id_.find(static_cast<std::int32_t>(id));
  return found == by_id_.end() ? nullptr : &found->second;
}

std::int32_t AddedTokens::id_of(std::string_view content) const {
  const auto found = ids_.find(content);
  return found == ids_.end() ? -1 : found->second;
}

bool AddedTokens::stands_alone(std::string_view text, std::size_t begin, std::size_t end) const {
  const bool left = begin > 0 && has_class(text, previous_char(text, begin), CharClass::word);
  const bool right = end < text.size() && has_class(text, end, CharClass::word);
  return !left && !right;
}

void AddedTokens::split(const StringMatcher& matcher, const TextPiece& piece,
                        const PartFunction& take) const {
  const std::string_view text = piece.text;
  std::size_t done = 0;
  for (auto match = matcher.find(text, 0); match; match = matcher.find(text, match->end)) {
    const AddedToken& token = by_id_.at(match->value);
    if (token.single_word && !stands_alone(text, match->begin, match->end)) continue;
    const std::size_t begin = token.lstrip ? space_start(text, match->begin, done) : match->begin;
    if (begin > done) take(piece.sub(done, begin), -1);
    take({}, match->value);
    done = token.rstrip ? space_end(text, match->end) : match->end;
  }
  if (done < text.size()) take(piece.sub(done, text.size()), -1);
}

}  // namespace engine
