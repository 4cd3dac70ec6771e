// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/bpe_model.h"

#include "engine/data/json_part.h"
#include "engine/error.h"
#include "engine/utf8.h"

#include <fmt/format.h>

namespace engine {
namespace {

constexpr std::size_t kMaxWordBytes = std::size_t{1} << 30;

struct MergePair {
  std::string left;
  std::string right;
};

// "a b" or ["a", "b"].
MergePair merge_pair(const JsonPart& part) {
  if (part.value().is_array() && part.value().size() == 2)
    return {part.at(std::size_t{0}).text(), part.at(1).text()};
  const std::string line = part.text();
  const std::size_t space = line.find(' ');
  if (space == std::string::npos || line.find(' ', space + 1) != std::string::npos)
    part.refuse("bad-value", "must be two tokens with one space between them");
  return {line.substr(0, space), line.substr(space + 1)};
}

bool is_absent_or_empty(const JsonPart& part, const char* key) {
  return !part.has(key) || part.at(key).value() == "";
}

}  // namespace

BpeModel::BpeModel(const JsonPart& part) {
  const std::string type = part.has("type") ? part.text("type") : "BPE";
  if (type != "BPE")
    part.at("type").refuse("unsupported-tokenizer", "names a model that is not supported",
                           "Only BPE is, as GPT-2, SmolLM, cosmo2, Llama-2 and Llama-3 use it");
  if (!part.has("merges") && part.value().contains("vocab") && part.value()["vocab"].is_array())
    part.refuse("unsupported-tokenizer", "looks like a Unigram model", "Only BPE is supported");
  read_options(part);
  vocabulary_ = Vocabulary(part.at("vocab"));
  low_chars_.fill(-1);
  for (char32_t c = 0; c < low_chars_.size(); ++c) {
    std::string character;
    append_utf8(character, c);
    low_chars_[c] = vocabulary_.id_of(character);
  }
  for (std::size_t byte = 0; byte < byte_ids_.size(); ++byte)
    byte_ids_[byte] = vocabulary_.id_of(fmt::format("<0x{:02X}>", byte));
  if (unk_token_) unk_id_ = vocabulary_.id_of(*unk_token_);
  read_merges(part.at("merges"));
}

void BpeModel::read_options(const JsonPart& part) {
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (!is_absent_or_empty(part, key))
      part.at(key).refuse("unsupported-tokenizer", "is not supported");
  if (part.has("dropout") && part.at("dropout").value() != 0.0)
    part.at("dropout").refuse("unsupported-tokenizer", "would make the ids random",
                              "Set it to null");
  if (part.has("unk_token")) unk_token_ = part.text("unk_token");
  byte_fallback_ = part.boolean("byte_fallback", false);
  fuse_unk_ = part.boolean("fuse_unk", false);
  ignore_merges_ = part.boolean("ignore_merges", false);
}

void BpeModel::read_merges(const JsonPart& part) {
  merges_ = BpeMerges(part.value().size());
  std::uint32_t rank = 0;
  part.for_each([&](const JsonPart& merge) {
    if (merge.value().is_string() && merge.text().starts_with("#version")) return;
    const MergePair pair = merge_pair(merge);
    const std::int32_t left = vocabulary_.id_of(pair.left);
    const std::int32_t right = vocabulary_.id_of(pair.right);
    const std::int32_t result = vocabulary_.id_of(pair.left + pair.right);
    if (left < 0 || right < 0 || result < 0)
      merge.refuse("bad-value",
                   "merges tokens of which one, or the result, is not in the vocabulary",
                   "The vocabulary and the merges must come from the same tokenizer");
    merges_.add(left, right, rank++, result);
  });
}

std::int32_t BpeModel::id_of_char(std::string_view character) const {
  const char32_t c = decode_utf8(character, 0).code_point;
  return c < low_chars_.size() ? low_chars_[c] : vocabulary_.id_of(character);
}

bool BpeModel::add_bytes(std::string_view character, std::vector<std::int32_t>& symbols) const {
  for (const char byte : character)
    if (byte_ids_[static_cast<unsigned char>(byte)] < 0) return false;
  for (const char byte : character) symbols.push_back(byte_ids_[static_cast<unsigned char>(byte)]);
  return true;
}

void BpeModel::start_symbols(std::string_view word, std::vector<std::int32_t>& symbols) const {
  bool unknown_pending = false;
  const auto flush = [&] {
    if (unknown_pending) symbols.push_back(unk_id_);
    unknown_pending = false;
  };
  for (std::size_t at = 0; at < word.size();) {
    const std::string_view character = word.substr(at, decode_utf8(word, at).length);
    at += character.size();
    if (const std::int32_t id = id_of_char(character); id >= 0) {
      flush();
      symbols.push_back(id);
      continue;
    }
    if (byte_fallback_ && add_bytes(character, symbols)) continue;
    if (!unk_token_) continue;
    if (unk_id_ < 0)
      throw Error(fmt::format(
          "the tokenizer's unk_token \"{}\" is needed for \"{}\" but is not in its vocabulary",
          *unk_token_, character));
    if (!fuse_unk_) flush();
    unknown_pending = true;
  }
  flush();
}

void BpeModel::encode(std::string_view word, MergeScratch& scratch,
                      std::vector<std::int32_t>& ids) const {
  if (word.size() > kMaxWordBytes)
    throw Error(fmt::format("a word of {} bytes is too long to tokenize (at most {})", word.size(),
                            kMaxWordBytes));
  if (ignore_merges_) {
    if (const std::int32_t id = vocabulary_.id_of(word); id >= 0) {
      ids.push_back(id);
      return;
    }
  }
  scratch.ids.clear();
  start_symbols(word, scratch.ids);
  merges_.merge(scratch, ids);
}

}  // namespace engine
