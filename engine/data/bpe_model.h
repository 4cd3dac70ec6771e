// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/data/bpe_merges.h"
#include "engine/data/vocabulary.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace engine {

class JsonPart;

/// The "model" section of type BPE: a word (after pre-tokenising) to ids. Immutable; any thread.
class BpeModel {
 public:
  /// Error naming what is missing, malformed or of another kind (Unigram, WordPiece, dropout, word
  /// suffixes).
  explicit BpeModel(const JsonPart& part);

  const Vocabulary& vocabulary() const { return vocabulary_; }
  /// Appends the ids of `word` (valid UTF-8). In time n log n for any word. Error when an unknown
  /// token is needed that the vocabulary does not have.
  void encode(std::string_view word, MergeScratch& scratch, std::vector<std::int32_t>& ids) const;

 private:
  void read_options(const JsonPart& part);
  void read_merges(const JsonPart& part);
  void start_symbols(std::string_view word, std::vector<std::int32_t>& symbols) const;
  bool add_bytes(std::string_view character, std::vector<std::int32_t>& symbols) const;
  std::int32_t id_of_char(std::string_view character) const;

  Vocabulary vocabulary_;
  BpeMerges merges_;
  std::array<std::int32_t, 0x400>
      low_chars_{};  // ids of the first characters, -1 = none: a table beats a hash
  std::array<std::int32_t, 256> byte_ids_{};  // of <0x00> ... <0xFF>, -1 = none
  std::optional<std::string> unk_token_;
  std::int32_t unk_id_ = -1;
  bool byte_fallback_ = false;
  bool fuse_unk_ = false;
  bool ignore_merges_ = false;
};

}  // namespace engine
