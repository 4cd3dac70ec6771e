// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/tokenized_dataset.h"

#include "engine/data/tokenized_dataset_builder.h"
#include "engine/error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>

namespace engine {

std::int64_t resolved_block_size(std::optional<std::int64_t> block_size, const Tokenizer& tokenizer,
                                 std::int64_t max_position_embeddings,
                                 std::vector<std::string>& warnings) {
  const std::optional<std::int64_t> limit = tokenizer.model_max_length();
  if (block_size) {
    if (*block_size < 2) {
      fail("bad-value", Place{.file = "--block_size"},
           fmt::format("a block of {} ids has nothing to predict", *block_size), "Give at least 2");
    }
    if (!limit || *block_size <= *limit) return *block_size;
    warnings.push_back(fmt::format(
        "block_size {0} is more than the tokenizer's model_max_length: blocks "
        "have {1} tokens. Raise model_max_length in tokenizer_config.json for longer ones",
        *block_size, *limit));
    return *limit;
  }
  if (limit && *limit <= max_position_embeddings) return *limit;
  return max_position_embeddings > 0 ? std::min<std::int64_t>(1024, max_position_embeddings) : 1024;
}

TokenizedSplits tokenize_splits(const TextSources& sources, const Tokenizer& tokenizer,
                                std::int64_t block_size, bool wanted_train, bool wanted_validation,
                                const std::filesystem::path& cache_dir,
                                const std::function<void(const DataProgress&)>& on_progress) {
  TextToIds encoder;
  const int threads = sources.tokenizing_threads;
  encoder.encode_batch = [&tokenizer, threads](std::span<const std::string> texts) {
    return tokenizer.encode_batch(texts, threads);
  };
  encoder.vocab_size = tokenizer.vocab_size();
  // What is added around a text can come from another file than the one that is digested.
  encoder.digest = fmt::format("{} [{}]", tokenizer.digest(), fmt::join(tokenizer.encode(""), ","));
  return tokenize_splits(sources, encoder, block_size, wanted_train, wanted_validation, cache_dir,
                         on_progress);
}

std::filesystem::path default_token_cache() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const std::filesystem::path root =
      cache != nullptr && *cache != '\0'
          ? std::filesystem::path(cache)
          : std::filesystem::path(home != nullptr ? home : "/") / ".cache";
  return root / "paradigm-workbench" / "tokens";
}

}  // namespace engine
