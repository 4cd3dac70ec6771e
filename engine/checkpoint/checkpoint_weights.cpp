// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/checkpoint_weights.h"

#include "engine/error.h"
#include "engine/model/weight_names.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/aminmax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/isfinite.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <set>

namespace engine {
namespace {

constexpr std::int64_t kPiece = 4 << 20;  // elements that are converted at once

c10::ScalarType scalar_type_of(const TensorEntry& entry, const std::string& file) {
  if (entry.dtype == "F32") return at::kFloat;
  if (entry.dtype == "BF16") return at::kBFloat16;
  if (entry.dtype == "F16") return at::kHalf;
  if (entry.dtype == "F64") return at::kDouble;
  fail("unsupported-dtype", {.file = file},
       "the tensor " + entry.name + " has dtype " + entry.dtype,
       "Convert the weights to F32, BF16 or F16");
}

Problem problem(std::string id, std::string file, std::string message, std::string remedy) {
  Problem result;
  result.id = std::move(id);
  result.place.file = std::move(file);
  result.message = std::move(message);
  result.remedy = std::move(remedy);
  return result;
}

/// At most this many names in a message; a whole model's list helps nobody.
std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 8;
  const std::vector<std::string> shown(names.begin(),
                                       names.begin() + std::min(kShown, names.size()));
  std::string text = fmt::format("{}", fmt::join(shown, ", "));
  if (names.size() > kShown) text += fmt::format(" and {} more", names.size() - kShown);
  return text;
}

bool is_finite(const at::Tensor& tensor) {
  if (tensor.numel() == 0) return true;
  const auto [low, high] = at::aminmax(tensor);
  return std::isfinite(low.item<float>()) && std::isfinite(high.item<float>());
}

std::string non_finite_warning(const SafetensorsSet& set, const std::string& name,
                               const at::Tensor& tensor) {
  const auto count = at::isfinite(tensor).logical_not().sum().item<std::int64_t>();
  return fmt::format(
      "{}: {} of the {} values of the tensor {} are not finite, so losses will not be either. Use "
      "an earlier checkpoint, from before the weights broke",
      set.file_of(name).string(), count, tensor.numel(), name);
}

/// Compares the file's tensors with the configuration's and returns the names to load.
std::vector<std::string> checked_names(const SafetensorsSet& set, const LlamaConfig& config,
                                       const std::string& directory) {
  std::vector<std::string> wanted;
  std::vector<std::string> missing;
  std::vector<Problem> problems;
  std::set<std::string> known;
  for (const ExpectedTensor& expected : expected_tensors(config)) {
    known.insert(expected.name);
    const TensorEntry* entry = set.find(expected.name);
    if (entry == nullptr) {
      if (!expected.optional) missing.push_back(expected.name);
      continue;
    }
    if (entry->shape != expected.shape) {
      problems.push_back(problem(
          "shape-mismatch", set.file_of(expected.name).string(),
          fmt::format("the tensor {} has shape [{}], config.json asks for [{}]", expected.name,
                      fmt::join(entry->shape, ", "), fmt::join(expected.shape, ", ")),
          "Use the config.json that belongs to these weights"));
    }
    if (!expected.optional) wanted.push_back(expected.name);
  }
  std::vector<std::string> unexpected;
  for (const std::string& name : set.names()) {
    if (known.count(name) == 0 && !is_ignored_tensor(name)) unexpected.push_back(name);
  }
  if (!missing.empty()) {
    problems.push_back(problem("missing-tensor", directory,
                               fmt::format("{} tensors that config.json asks for are missing: {}",
                                           missing.size(), listed(missing)),
                               "Use a complete checkpoint and its own config.json"));
  }
  if (!unexpected.empty()) {
    problems.push_back(problem("unexpected-tensor", directory,
                               fmt::format("{} tensors have no place in this model: {}",
                                           unexpected.size(), listed(unexpected)),
                               "Use the config.json that belongs to these weights"));
  }
  if (!problems.empty()) throw Error(problems);
  return wanted;
}

/// `on_piece`, if given, is called before each piece of a few million elements.
at::Tensor read_in_pieces(const SafetensorsSet& set, const std::string& name,
                          const std::function<void()>& on_piece) {
  const TensorEntry* entry = set.find(name);
  if (entry == nullptr) fail("missing-tensor", {}, "there is no tensor " + name);
  const auto type = scalar_type_of(*entry, set.file_of(name).string());
  const auto bytes = set.bytes(name);
  const auto options = at::TensorOptions().dtype(type);
  const auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
  if (address % bytes_per_element(entry->dtype) != 0) {
    at::Tensor aligned = at::empty(entry->shape, options);
    std::memcpy(aligned.mutable_data_ptr(), bytes.data(), bytes.size());
    return aligned.to(at::kFloat);
  }
  const at::Tensor mapped =
      at::from_blob(const_cast<std::byte*>(bytes.data()), entry->shape, options);
  at::Tensor result = at::empty(entry->shape, at::kFloat);
  const at::Tensor from = mapped.view(-1);
  const at::Tensor to = result.view(-1);
  for (std::int64_t begin = 0; begin < from.numel(); begin += kPiece) {
    if (on_piece) on_piece();
    const std::int64_t end = std::min(begin + kPiece, from.numel());
    to.slice(0, begin, end).copy_(from.slice(0, begin, end));
  }
  return result;
}

}  // namespace

at::Tensor read_tensor(const SafetensorsSet& set, const std::string& name) {
  return read_in_pieces(set, name, {});
}

TensorMap load_weights(const std::filesystem::path& directory, const LlamaConfig& config,
                       at::Device device, std::vector<std::string>& warnings,
                       const LoadProgress& on_progress) {
  const at::NoGradGuard no_grad;
  const SafetensorsSet set = SafetensorsSet::open(directory);
  TensorMap weights;
  std::int64_t done = 0;
  for (const std::string& name : checked_names(set, config, directory.string())) {
    at::Tensor tensor = read_in_pieces(set, name, [&] {
      if (on_progress) on_progress(done, config.total_parameters());
    });
    done += tensor.numel();
    if (!is_finite(tensor)) warnings.push_back(non_finite_warning(set, name, tensor));
    weights.emplace(name, tensor.to(device));
  }
  return weights;
}

bool grow_embedding(LlamaConfig& config, TensorMap& weights, std::int64_t rows) {
  if (rows <= config.vocab_size) return false;
  const at::NoGradGuard no_grad;
  for (const char* name : {"model.embed_tokens.weight", "lm_head.weight"}) {
    const auto found = weights.find(name);
    if (found == weights.end()) continue;
    const at::Tensor present = found->second;
    const at::Tensor mean = present.mean(0, /*keepdim=*/true);
    found->second = at::cat({present, mean.expand({rows - present.size(0), present.size(1)})});
  }
  config.vocab_size = rows;
  return true;
}

void write_tensors(const std::filesystem::path& file, const NamedTensors& tensors,
                   std::map<std::string, std::string> metadata) {
  std::vector<at::Tensor> kept;
  std::vector<TensorToWrite> entries;
  kept.reserve(tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor& host = kept.emplace_back(tensor.detach().cpu().contiguous());
    entries.push_back(
        {.name = name,
         .dtype = "F32",
         .shape = host.sizes().vec(),
         .bytes = {static_cast<const std::byte*>(host.const_data_ptr()), host.nbytes()}});
  }
  metadata.emplace("format", "pt");
  write_safetensors(file, std::move(entries), metadata);
}

}  // namespace engine
