// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/training_data.h"

#include "engine/data/hub_cache.h"
#include "engine/error.h"
#include "engine/model/clm_family.h"
#include "engine/model/llama_config.h"

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfigFile = "config.json";

}  // namespace

ModelSource find_model(const std::optional<std::string>& model_name_or_path,
                       const std::optional<std::string>& config_name,
                       const std::optional<std::string>& tokenizer_name) {
  ModelSource source;
  fs::path beside;
  if (model_name_or_path) {
    source.directory = resolve_hub_path(*model_name_or_path, HubKind::model);
    source.config = read_llama_config(source.directory / kConfigFile);
    beside = source.directory;
  } else if (const auto flavour = find_clm_config(*config_name)) {
    source.config = *flavour;
  } else {
    std::error_code error;
    const bool is_file = fs::is_regular_file(*config_name, error);
    const fs::path file = is_file ? fs::path(*config_name)
                                  : resolve_hub_path(*config_name, HubKind::model) / kConfigFile;
    source.config = read_llama_config(file);
    beside = fs::absolute(file).parent_path();
  }
  if (tokenizer_name) {
    source.tokenizer_directory = resolve_hub_path(*tokenizer_name, HubKind::model);
    if (source.tokenizer_directory.filename() == "tokenizer.json") {
      source.tokenizer_directory = source.tokenizer_directory.parent_path();
    }
    return source;
  }
  std::error_code ignored;
  if (beside.empty() || !fs::is_regular_file(beside / "tokenizer.json", ignored)) {
    fail("no-tokenizer", {.file = beside.empty() ? *config_name : beside.string()},
         "there is no tokenizer.json beside the model's configuration",
         "Name a tokenizer with --tokenizer_name");
  }
  source.tokenizer_directory = beside;
  return source;
}

std::function<void(const DataProgress&)> data_progress(const ProgressFunction& on_progress) {
  if (!on_progress) return {};
  return [on_progress](const DataProgress& progress) {
    if (!on_progress(progress.stage, static_cast<double>(progress.done_bytes),
                     static_cast<double>(progress.total_bytes))) {
      fail("cancelled", {}, "cancelled while " + progress.stage);
    }
  };
}

}  // namespace engine
