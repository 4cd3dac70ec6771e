// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/model_report.h"

#include "engine/checkpoint/model_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace paradigm {
namespace {

using engine::LayerInfo;
using engine::LayerKind;
using Json = nlohmann::ordered_json;

std::string grouped(std::int64_t number) {
  std::string text = fmt::to_string(number);
  for (auto i = static_cast<std::ptrdiff_t>(text.size()) - 3; i > 0; i -= 3)
    text.insert(static_cast<std::size_t>(i), ",");
  return text;
}

bool is_candidate(const LayerInfo& layer) {
  return layer.kind == LayerKind::linear || layer.kind == LayerKind::attention;
}

std::string rope_text(const engine::LlamaConfig& config) {
  std::string text = fmt::format("rope θ {:g}", config.rope_theta);
  if (config.rope_scaling)
    text +=
        fmt::format(", scaling {} × {:g}", config.rope_scaling->type, config.rope_scaling->factor);
  return text;
}

std::string biases_text(const engine::LlamaConfig& config) {
  if (config.attention_bias && config.mlp_bias) return "biases in attention and MLP";
  if (config.attention_bias) return "biases in attention";
  return config.mlp_bias ? "biases in the MLP" : "no biases";
}

/// A layer of block 0 stands for its like in every block.
std::string general_name(const LayerInfo& layer, std::int64_t blocks) {
  std::string name = layer.name;
  const std::string first = "model.layers.0.";
  if (layer.block == 0 && blocks > 1)
    name.replace(0, first.size(), fmt::format("model.layers.{{0…{}}}.", blocks - 1));
  return name;
}

Json problem_json(const engine::Problem& problem) {
  return {{"id", problem.id},
          {"severity", engine::to_string(problem.severity)},
          {"file", problem.place.file},
          {"line", problem.place.line},
          {"column", problem.place.column},
          {"message", problem.message},
          {"remedy", problem.remedy}};
}

}  // namespace

std::string model_report(const engine::ModelFolder& model) {
  const engine::LlamaConfig& config = model.config;
  const auto& layers = model.inventory.layers();
  std::string text =
      fmt::format("Llama, {}, {} parameters ({} without the input embedding)\n", model.dtype,
                  grouped(config.total_parameters()), grouped(config.non_embedding_parameters()));
  text += fmt::format(
      "  width {}, {} layers, {} heads of {} ({} key-value), MLP {}, vocabulary {}, positions {}\n",
      config.hidden_size, config.num_hidden_layers, config.num_attention_heads, config.head_dim,
      config.num_key_value_heads, config.intermediate_size, grouped(config.vocab_size),
      grouped(config.max_position_embeddings));
  text += fmt::format("  {}, norm ε {:g}, {} head, {}\n", rope_text(config), config.rms_norm_eps,
                      config.tie_word_embeddings ? "tied" : "untied", biases_text(config));
  if (!model.weight_files.empty()) {
    text += fmt::format("  weights: {} in {} file{}, {:.1f} MB\n", model.dtype,
                        model.weight_files.size(), model.weight_files.size() == 1 ? "" : "s",
                        static_cast<double>(model.weight_bytes) / 1e6);
  }
  if (model.transform)
    text += fmt::format("  trained under the transform {} ({})\n", model.transform->file,
                        model.transform->digest);
  text += fmt::format("Layers: {} Linears, {} attentions\n",
                      std::ranges::count(layers, LayerKind::linear, &LayerInfo::kind),
                      std::ranges::count(layers, LayerKind::attention, &LayerInfo::kind));
  for (const LayerInfo& layer : layers) {
    if (!is_candidate(layer) || layer.block > 0) continue;
    const bool shared = layer.name == "lm_head" && config.tie_word_embeddings;
    text += fmt::format(
        "  {:<44} {:<10} {:<18} {}\n", general_name(layer, config.num_hidden_layers),
        engine::to_string(layer.kind), fmt::format("[{}]", fmt::join(layer.shape, ", ")),
        shared ? "shares the embedding" : grouped(layer.parameters));
  }
  for (const engine::Problem& problem : model.problems) text += engine::to_string(problem) + "\n";
  return text;
}

std::string model_report_json(const engine::ModelFolder& model) {
  engine::LlamaConfig plain = model.config;
  plain.source_json.clear();
  Json json = Json::parse(engine::llama_config_json(plain));
  json["parameters"] = {{"total", plain.total_parameters()},
                        {"non_embedding", plain.non_embedding_parameters()}};
  json["dtype"] = model.dtype;
  json["layers"] = Json::array();
  for (const LayerInfo& layer : model.inventory.layers()) {
    if (!is_candidate(layer)) continue;
    json["layers"].push_back({{"name", layer.name},
                              {"kind", engine::to_string(layer.kind)},
                              {"shape", layer.shape},
                              {"parameters", layer.parameters}});
  }
  json["path"] = model.path.string();
  json["weights"] = {{"files", Json::array()}, {"bytes", model.weight_bytes}};
  for (const auto& file : model.weight_files)
    json["weights"]["files"].push_back(file.filename().string());
  json["transform"] = nullptr;
  if (model.transform)
    json["transform"] = {{"file", model.transform->file}, {"digest", model.transform->digest}};
  json["problems"] = Json::array();
  for (const engine::Problem& problem : model.problems)
    json["problems"].push_back(problem_json(problem));
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace paradigm
