// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/model_folder.h"

#include "engine/checkpoint/safetensors_file.h"
#include "engine/error.h"
#include "engine/model/rope_choice.h"
#include "engine/model/weight_names.h"
#include "engine/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace engine {
namespace {

constexpr std::size_t kMostNames = 20;

Problem problem(std::string id, Severity severity, const std::string& file, std::string message,
                std::string remedy = "") {
  return {.id = std::move(id),
          .severity = severity,
          .place = {file},
          .value = {},
          .message = std::move(message),
          .remedy = std::move(remedy)};
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMostNames); ++i)
    text += (i == 0 ? "" : ", ") + printable(names[i]);
  if (names.size() > kMostNames) text += fmt::format(" and {} more", names.size() - kMostNames);
  return text;
}

const std::map<std::string, std::string>& config_dtypes() {
  static const std::map<std::string, std::string> names = {
      {"F32", "float32"}, {"BF16", "bfloat16"}, {"F16", "float16"}};
  return names;
}

/// Bytes a dtype, widest share first.
std::vector<std::pair<std::string, std::uint64_t>> dtype_shares(const SafetensorsSet& weights) {
  std::map<std::string, std::uint64_t> bytes;
  for (const SafetensorsFile& file : weights.files()) {
    for (const TensorEntry& entry : file.tensors()) bytes[entry.dtype] += entry.end - entry.begin;
  }
  std::vector<std::pair<std::string, std::uint64_t>> shares(bytes.begin(), bytes.end());
  std::stable_sort(shares.begin(), shares.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return shares;
}

void describe_dtype(const SafetensorsSet& weights, ModelFolder& model) {
  const auto shares = dtype_shares(weights);
  for (const auto& [dtype, bytes] : shares) model.weight_bytes += bytes;
  if (shares.empty() || !config_dtypes().contains(shares[0].first)) return;
  model.dtype = config_dtypes().at(shares[0].first);
  const std::string place = model.path.string();
  if (shares.size() > 1) {
    std::string text;
    for (const auto& [dtype, bytes] : shares)
      text += fmt::format("{}{} {} bytes", text.empty() ? "" : ", ", dtype, bytes);
    model.problems.push_back(
        problem("mixed-dtypes", Severity::note, place, "the weights have several dtypes: " + text));
  }
  if (model.dtype != model.config.torch_dtype) {
    model.problems.push_back(problem("dtype-differs", Severity::note, place,
                                     fmt::format("config.json says {}, but the weights are {}",
                                                 model.config.torch_dtype, model.dtype)));
  }
}

void describe_rope(ModelFolder& model) {
  if (!has_exported_rope_scaling(model.config)) return;
  model.problems.push_back(
      problem("exported-rope-scaling", Severity::note, (model.path / "config.json").string(),
              "rope_scaling is the llama3 scaling that the CLM exporter adds although training "
              "used plain rotary positions; it "
              "is honoured, as transformers does, so the model may compute another function than "
              "the trained one",
              "Give --rope as_trained to train and eval to compute what was trained"));
}

}  // namespace

std::vector<Problem> weight_problems(const SafetensorsSet& weights, const LlamaConfig& config,
                                     const std::string& place) {
  std::vector<Problem> problems;
  std::vector<std::string> missing;
  std::vector<std::string> misshapen;
  std::vector<std::string> unreadable;
  std::map<std::string, bool> expected;
  for (const ExpectedTensor& tensor : expected_tensors(config)) {
    expected.emplace(tensor.name, true);
    const TensorEntry* entry = weights.find(tensor.name);
    if (entry == nullptr) {
      if (!tensor.optional) missing.push_back(tensor.name);
    } else if (entry->shape != tensor.shape) {
      misshapen.push_back(fmt::format("{} is [{}], not [{}]", tensor.name,
                                      fmt::join(entry->shape, ", "),
                                      fmt::join(tensor.shape, ", ")));
    } else if (!config_dtypes().contains(entry->dtype)) {
      unreadable.push_back(fmt::format("{} is {}", tensor.name, entry->dtype));
    }
  }
  std::vector<std::string> unexpected;
  for (const std::string& name : weights.names()) {
    if (!expected.contains(name) && !is_ignored_tensor(name)) unexpected.push_back(name);
  }
  const auto count = [](const std::vector<std::string>& names) {
    return names.size() == 1 ? std::string("1 tensor") : fmt::format("{} tensors", names.size());
  };
  const std::string remedy = "The weights must belong to config.json: check both files";
  if (!missing.empty()) {
    const bool only_head = missing == std::vector<std::string>{"lm_head.weight"};
    problems.push_back(problem(
        "missing-tensors", Severity::error, place,
        fmt::format("{} missing: {}", count(missing), listed(missing)),
        only_head
            ? "If the head shares the embedding, set tie_word_embeddings to true in config.json"
            : remedy));
  }
  if (!unexpected.empty()) {
    problems.push_back(problem("unexpected-tensors", Severity::error, place,
                               fmt::format("{} that the configuration has no place for: {}",
                                           count(unexpected), listed(unexpected)),
                               remedy));
  }
  if (!misshapen.empty()) {
    problems.push_back(problem("wrong-shapes", Severity::error, place,
                               fmt::format("{} of another shape than config.json says: {}",
                                           count(misshapen), listed(misshapen)),
                               remedy));
  }
  if (!unreadable.empty()) {
    problems.push_back(problem("wrong-dtypes", Severity::error, place,
                               fmt::format("{} not of a weight's dtype (F32, BF16, F16): {}",
                                           count(unreadable), listed(unreadable)),
                               "Convert the checkpoint to float32, bfloat16 or float16"));
  }
  return problems;
}

ModelFolder model_folder_of(LlamaConfig config) {
  ModelFolder model;
  model.config = std::move(config);
  model.inventory = layer_inventory(model.config);
  model.dtype = model.config.torch_dtype;
  return model;
}

ModelFolder open_model_folder(const std::filesystem::path& folder) {
  ModelFolder model = model_folder_of(read_llama_config(folder / "config.json"));
  model.path = folder;
  model.transform = transform_record_of(model.config.source_json);
  try {
    const SafetensorsSet weights = SafetensorsSet::open(folder);
    for (const SafetensorsFile& file : weights.files()) {
      model.weight_files.push_back(file.path());
      model.problems.insert(model.problems.end(), file.warnings().begin(), file.warnings().end());
    }
    for (Problem& each : weight_problems(weights, model.config, folder.string()))
      model.problems.push_back(std::move(each));
    describe_dtype(weights, model);
  } catch (const Error& error) {
    model.problems.insert(model.problems.end(), error.problems().begin(), error.problems().end());
  }
  describe_rope(model);
  return model;
}

}  // namespace engine
