// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/tokenizer.h"

#include "engine/data/json_part.h"
#include "engine/data/post_processor.h"
#include "engine/data/text_encoder.h"
#include "engine/data/token_decoder.h"
#include "engine/data/tokenizer_files.h"
#include "engine/digest.h"
#include "engine/error.h"
#include "engine/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

namespace engine {
namespace {

TextEncoder make_encoder(const JsonPart& root) {
  BpeModel model(root.at("model"));
  std::unique_ptr<Normalizer> normalizer;
  if (root.has("normalizer")) normalizer = make_normalizer(root.at("normalizer"));
  AddedTokens added;
  if (root.has("added_tokens"))
    added = AddedTokens(root.at("added_tokens"), model.vocabulary(), normalizer.get());
  PreTokenizerChain pre_tokenizer;
  if (root.has("pre_tokenizer")) pre_tokenizer = PreTokenizerChain(root.at("pre_tokenizer"));
  return {std::move(model), std::move(added), std::move(normalizer), std::move(pre_tokenizer)};
}

// Working memory lent to whoever encodes, so that the words of one call are still known in the
// next.
class ScratchPool {
 public:
  /// Symbols of a word so long that its memory is not kept.
  static constexpr std::size_t kLargeWord = std::size_t{1} << 20;

  std::unique_ptr<EncodeScratch> take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return std::make_unique<EncodeScratch>();
    std::unique_ptr<EncodeScratch> scratch = std::move(idle_.back());
    idle_.pop_back();
    return scratch;
  }
  void give_back(std::unique_ptr<EncodeScratch> scratch) {
    if (scratch->merge.symbols.capacity() > kLargeWord) scratch->merge = {};
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(scratch));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<EncodeScratch>> idle_;
};

}  // namespace

// The sections "truncation" and "padding" are not read: they are left-overs of the last call that
// Python made, and transformers resets them on every call too.
struct Tokenizer::Impl {
  explicit Impl(const JsonPart& root) : encoder(make_encoder(root)) {
    if (root.has("post_processor"))
      post_processor = PostProcessor(root.at("post_processor"),
                                     [this](std::int64_t id) { return token_of(id) != nullptr; });
    if (root.has("decoder")) decoder = make_decoder(root.at("decoder"));
  }

  const std::string* token_of(std::int64_t id) const {
    if (const AddedToken* added = encoder.added().find(id)) return &added->content;
    return encoder.vocabulary().token_of(id);
  }
  std::int32_t id_of(std::string_view token) const {
    const std::int32_t added = encoder.added().id_of(token);
    return added >= 0 ? added : encoder.vocabulary().id_of(token);
  }
  std::optional<std::int32_t> id_of(const std::optional<std::string>& token) const {
    if (!token || id_of(std::string_view(*token)) < 0) return std::nullopt;
    return id_of(std::string_view(*token));
  }
  std::vector<std::int32_t> encode(std::string_view text, bool add_special_tokens,
                                   EncodeScratch& scratch) const {
    std::vector<std::int32_t> ids;
    if (is_valid_utf8(text))
      encoder.encode(text, scratch, ids);
    else
      encoder.encode(lossy_utf8(text), scratch, ids);
    return post_processor.apply(std::move(ids), add_special_tokens);
  }

  TextEncoder encoder;
  PostProcessor post_processor;
  std::unique_ptr<TokenDecoder> decoder;  // null: tokens joined by spaces
  mutable ScratchPool pool;
  std::filesystem::path file;
  std::string digest;
  TokenizerSettings settings;
};

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

Tokenizer Tokenizer::load(const std::filesystem::path& path) {
  const std::filesystem::path file = find_tokenizer_file(path);
  std::string bytes;
  const nlohmann::json document = read_json_file(file, bytes);
  const JsonPart root(document, "", file);
  if (!document.is_object() || !document.contains("model"))
    fail("unsupported-tokenizer", {file.string(), 0, 0}, "is no tokenizer: it has no \"model\"",
         "Name the tokenizer.json that Hugging Face's library writes");
  auto impl = std::make_unique<Impl>(root);
  impl->file = file;
  impl->digest = sha256_hex(bytes);
  impl->settings = read_tokenizer_settings(file.parent_path());
  return Tokenizer(std::move(impl));
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text, bool add_special_tokens) const {
  std::unique_ptr<EncodeScratch> scratch = impl_->pool.take();
  std::vector<std::int32_t> ids = impl_->encode(text, add_special_tokens, *scratch);
  impl_->pool.give_back(std::move(scratch));
  return ids;
}

std::vector<std::vector<std::int32_t>> Tokenizer::encode_batch(std::span<const std::string> texts,
                                                               int threads,
                                                               bool add_special_tokens) const {
  std::vector<std::vector<std::int32_t>> results(texts.size());
  std::vector<std::exception_ptr> failures(texts.size());
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    std::unique_ptr<EncodeScratch> scratch = impl_->pool.take();
    for (std::size_t i = next++; i < texts.size(); i = next++) {
      try {
        results[i] = impl_->encode(texts[i], add_special_tokens, *scratch);
      } catch (...) {
        failures[i] = std::current_exception();
      }
    }
    impl_->pool.give_back(std::move(scratch));
  };
  const std::size_t wanted = threads > 0 ? static_cast<std::size_t>(threads)
                                         : std::max(1U, std::thread::hardware_concurrency());
  {
    std::vector<std::jthread> helpers;
    for (std::size_t i = 1; i < std::min(wanted, texts.size()); ++i) helpers.emplace_back(work);
    work();
  }
  for (const std::exception_ptr& failure : failures)
    if (failure) std::rethrow_exception(failure);
  return results;
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids, bool skip_special_tokens) const {
  std::vector<std::string> tokens;
  for (const std::int32_t id : ids) {
    const std::string* token = impl_->token_of(id);
    if (token != nullptr && !(skip_special_tokens && impl_->encoder.added().is_special(*token)))
      tokens.push_back(*token);
  }
  const char* separator = " ";
  if (impl_->decoder != nullptr) {
    RegexScratch scratch;
    impl_->decoder->apply(tokens, scratch);
    separator = "";
  }
  return fmt::format("{}", fmt::join(tokens, separator));
}

std::int64_t Tokenizer::vocab_size() const {
  return std::max(impl_->encoder.vocabulary().id_bound(), impl_->encoder.added().id_bound());
}

std::optional<std::int32_t> Tokenizer::id_of(std::string_view token) const {
  const std::int32_t id = impl_->id_of(token);
  return id < 0 ? std::nullopt : std::optional(id);
}

std::optional<std::string> Tokenizer::token_of(std::int32_t id) const {
  const std::string* token = impl_->token_of(id);
  return token == nullptr ? std::nullopt : std::optional(*token);
}

std::optional<std::int32_t> Tokenizer::bos_token_id() const {
  return impl_->id_of(impl_->settings.bos_token);
}
std::optional<std::int32_t> Tokenizer::eos_token_id() const {
  return impl_->id_of(impl_->settings.eos_token);
}
std::optional<std::int64_t> Tokenizer::model_max_length() const {
  return impl_->settings.model_max_length;
}
const std::string& Tokenizer::digest() const { return impl_->digest; }
const std::filesystem::path& Tokenizer::file() const { return impl_->file; }

}  // namespace engine
