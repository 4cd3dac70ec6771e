// SPDX-License-Identifier: GPL-3.0-or-later
// From text files to blocks of token ids, once: tokenised into a cache keyed by content, tokenizer
// and block size.
#pragma once

#include "engine/data/token_dataset.h"
#include "engine/data/tokenizer.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace engine {

/// Where the text comes from: run_clm.py's data flags, after hub names were resolved to local
/// folders.
struct TextSources {
  std::vector<std::filesystem::path> train_files;
  std::vector<std::filesystem::path>
      validation_files;  ///< empty: the first validation_split_percentage of train
  int validation_split_percentage = 5;
  bool keep_linebreaks = true;                      ///< of txt files: each line keeps its "\n"
  std::optional<std::int64_t> max_train_samples{};  ///< blocks, as in run_clm.py
  std::optional<std::int64_t> max_eval_samples{};
  int tokenizing_threads = 0;  ///< 0 = one for each core; does not change the ids
};

struct DataProgress {
  std::string
      stage;  ///< "reading", "counting", "tokenising", in this order; not each one is needed
  std::uint64_t done_bytes = 0;
  std::uint64_t total_bytes = 0;
};

struct TokenizedSplits {
  std::optional<TokenDataset> train;
  std::optional<TokenDataset> validation;
  /// For the user: rows without a text, a damaged cache file that was written again.
  std::vector<std::string> messages{};
};

/// Block size as run_clm.py chooses it: min(block_size, model_max_length); when not given
/// model_max_length, or min(1024, max_position_embeddings) if that exceeds max_position_embeddings.
/// `warnings` says where it is not the one that was asked for.
std::int64_t resolved_block_size(std::optional<std::int64_t> block_size, const Tokenizer& tokenizer,
                                 std::int64_t max_position_embeddings,
                                 std::vector<std::string>& warnings);

/// Texts -> ids -> blocks as run_clm.py groups them: map batches of 1000 texts concatenated, cut
/// into blocks, remainder of each map batch dropped. Reads the cache when content, tokenizer and
/// block size are unchanged. `wanted_train` / `wanted_validation` say which splits are needed.
/// Throws Error naming the file: empty, binary, csv, shorter than one block. `cache_dir` is
/// created; a file appears there complete or not at all, whatever `on_progress` throws to cancel.
/// Blocking; memory stays bounded by the longest text and a few MiB. Different callers may run at
/// once.
TokenizedSplits tokenize_splits(const TextSources& sources, const Tokenizer& tokenizer,
                                std::int64_t block_size, bool wanted_train, bool wanted_validation,
                                const std::filesystem::path& cache_dir,
                                const std::function<void(const DataProgress&)>& on_progress = {});

/// --dataset_name: a local folder of txt, json, jsonl or parquet files (train*/validation* name the
/// splits, anything else is train; test* is left out), or a data set in the local Hugging Face
/// cache; `dataset_config_name` is a folder in it. Without a validation split, train is divided as
/// for files. Throws Error with the command that downloads it.
TextSources dataset_sources(const std::string& dataset_name,
                            const std::optional<std::string>& dataset_config_name);

/// ${XDG_CACHE_HOME:-~/.cache}/paradigm-workbench/tokens
std::filesystem::path default_token_cache();

}  // namespace engine
