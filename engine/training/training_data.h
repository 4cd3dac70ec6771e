// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/api.h"
#include "engine/data/tokenized_dataset.h"
#include "engine/data/tokenizer.h"
#include "engine/model/llama_config.h"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace engine {

/// A model's folder and configuration, found but not loaded.
struct ModelSource {
  std::filesystem::path directory;  ///< empty for a new model
  LlamaConfig config;
  std::filesystem::path tokenizer_directory;
};

/// --model_name_or_path (a folder or a hub name in the local cache) or --config_name (a config.json
/// or its folder: a new model), and --tokenizer_name or the tokenizer beside it. Throws Error
/// naming what is missing.
ModelSource find_model(const std::optional<std::string>& model_name_or_path,
                       const std::optional<std::string>& config_name,
                       const std::optional<std::string>& tokenizer_name);

/// The text sources that the data flags of a run or an evaluation name.
template <typename Config>
TextSources text_sources_of(const Config& config) {
  TextSources sources;
  if (config.dataset_name)
    sources = dataset_sources(*config.dataset_name, config.dataset_config_name);
  if (config.train_file) sources.train_files = {*config.train_file};
  if (config.validation_file) sources.validation_files = {*config.validation_file};
  sources.validation_split_percentage = static_cast<int>(config.validation_split_percentage);
  sources.keep_linebreaks = config.keep_linebreaks;
  sources.max_eval_samples = config.max_eval_samples;
  return sources;
}

/// Throws Error("cancelled") when `on_progress` says so.
std::function<void(const DataProgress&)> data_progress(const ProgressFunction& on_progress);

}  // namespace engine
