// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace engine {

/// A Hugging Face tokenizer.json with a BPE model: byte-level (GPT-2, SmolLM, cosmo2, Llama 3) or
/// with byte fallback (Llama 2, TinyLlama). Ids are those of Hugging Face `tokenizers` for any
/// UTF-8 text. In other text each ill-formed part counts as U+FFFD, as if Python had read it with
/// bytes.decode("utf-8", "replace"). The file's truncation and padding sections are ignored, as
/// transformers does. Immutable after loading; every const member may be called from any thread.
class Tokenizer {
 public:
  /// `path` is tokenizer.json or a folder that holds it (tokenizer_config.json is read beside it
  /// for model_max_length and the special tokens). Throws Error naming the file and the part that
  /// is malformed or not supported.
  static Tokenizer load(const std::filesystem::path& path);
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;

  /// Special tokens are added as the tokenizer's own post-processor adds them, unless told not to.
  std::vector<std::int32_t> encode(std::string_view text, bool add_special_tokens = true) const;
  /// Encodes each text; `threads` 0 = all cores. The result does not depend on the number of
  /// threads.
  std::vector<std::vector<std::int32_t>> encode_batch(std::span<const std::string> texts,
                                                      int threads = 0,
                                                      bool add_special_tokens = true) const;
  /// Ids that no token has are left out. The result is valid UTF-8.
  std::string decode(std::span<const std::int32_t> ids, bool skip_special_tokens = false) const;

  /// One above the largest id, added tokens included: the length that the embedding must have.
  std::int64_t vocab_size() const;
  std::optional<std::int32_t> id_of(std::string_view token) const;
  std::optional<std::string> token_of(std::int32_t id) const;
  std::optional<std::int32_t> bos_token_id() const;
  std::optional<std::int32_t> eos_token_id() const;
  /// From tokenizer_config.json; absent = no limit.
  std::optional<std::int64_t> model_max_length() const;
  /// SHA-256 of tokenizer.json's bytes, hex.
  const std::string& digest() const;
  const std::filesystem::path& file() const;

 private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace engine
