// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/data/tokenized_dataset.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace engine {

/// What tokenize_splits needs of a tokenizer.
struct TextToIds {
  std::function<std::vector<std::vector<std::int32_t>>(std::span<const std::string>)> encode_batch;
  std::int64_t vocab_size = 0;
  std::string digest;  ///< two encoders with the same digest give the same ids
};

/// tokenize_splits() of tokenized_dataset.h for any encoder.
TokenizedSplits tokenize_splits(const TextSources& sources, const TextToIds& encoder,
                                std::int64_t block_size, bool wanted_train, bool wanted_validation,
                                const std::filesystem::path& cache_dir,
                                const std::function<void(const DataProgress&)>& on_progress = {});

/// How many of `count` texts the first `percentage` percent are: as `datasets` slices train[:5%],
/// to the nearest, halves to even.
std::int64_t percent_of_texts(int percentage, std::int64_t count);

}  // namespace engine
