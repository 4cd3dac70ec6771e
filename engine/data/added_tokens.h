// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/data/string_matcher.h"
#include "engine/data/text_piece.h"

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace engine {

class JsonPart;
class Normalizer;
class RegexScratch;
class Vocabulary;

struct AddedToken {
  std::string content;
  bool single_word = false;  ///< counts only where no word character touches it
  bool lstrip = false;       ///< takes the white space before it
  bool rstrip = false;       ///< takes the white space behind it
  bool normalized = false;   ///< is looked for in normalized text, itself normalized
  bool special = false;      ///< may be left out when decoding
};

/// The "added_tokens" section: tokens cut out of the text before anything else sees it. Immutable;
/// any thread.
class AddedTokens {
 public:
  AddedTokens() = default;
  /// `normalizer` may be null. Error when the ids are not those that the tokens get in Hugging
  /// Face's library.
  AddedTokens(const JsonPart& part, const Vocabulary& vocabulary, const Normalizer* normalizer);

  /// Called with a piece of text (id -1) or with an added token's id.
  using PartFunction = std::function<void(const TextPiece& piece, std::int32_t id)>;
  /// Cuts text as the user gave it, at the tokens that are not normalized.
  void split_raw(const TextPiece& piece, const PartFunction& take) const {
    split(raw_, piece, take);
  }
  /// Cuts normalized text, at the tokens that are.
  void split_normalized(const TextPiece& piece, const PartFunction& take) const {
    split(normalized_, piece, take);
  }

  /// Null = none.
  const AddedToken* find(std::int64_t id) const;
  /// -1 = none.
  std::int32_t id_of(std::string_view content) const;
  bool is_special(std::string_view content) const { return special_.contains(content); }
  /// One above the largest id; 0 when there is none.
  std::int32_t id_bound() const { return by_id_.empty() ? 0 : by_id_.rbegin()->first + 1; }

 private:
  void add(const JsonPart& part, const Vocabulary& vocabulary);
  void split(const StringMatcher& matcher, const TextPiece& piece, const PartFunction& take) const;
  bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) const;

  std::map<std::int32_t, AddedToken> by_id_;
  std::map<std::string, std::int32_t, std::less<>> ids_;
  std::set<std::string, std::less<>> special_;
  StringMatcher raw_;
  StringMatcher normalized_;
};

}  // namespace engine
