// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/llama_config.h"
#include "engine/strict_json.h"

#include <nlohmann/json.hpp>

namespace engine {
namespace {

using Json = nlohmann::json;

Json rope_object(const std::optional<RopeScaling>& scaling) {
  if (!scaling) return {{"rope_type", "default"}};
  Json object = {{"rope_type", scaling->type}, {"factor", scaling->factor}};
  if (scaling->type == "llama3") {
    object["low_freq_factor"] = scaling->low_freq_factor;
    object["high_freq_factor"] = scaling->high_freq_factor;
    object["original_max_position_embeddings"] = scaling->original_max_position_embeddings;
  }
  return object;
}

Json optional_id(const std::optional<std::int64_t>& id) { return id ? Json(*id) : Json(nullptr); }

Json eos_value(const std::vector<std::int64_t>& ids) {
  if (ids.empty()) return nullptr;
  return ids.size() == 1 ? Json(ids[0]) : Json(ids);
}

/// Every field under the older spelling, and the rope fields under both.
Json all_fields(const LlamaConfig& config) {
  Json rope = rope_object(config.rope_scaling);
  const Json scaling = config.rope_scaling ? rope : Json(nullptr);
  rope["rope_theta"] = config.rope_theta;
  return {{"architectures", {"LlamaForCausalLM"}},
          {"attention_bias", config.attention_bias},
          {"attention_dropout", config.attention_dropout},
          {"bos_token_id", optional_id(config.bos_token_id)},
          {"eos_token_id", eos_value(config.eos_token_ids)},
          {"head_dim", config.head_dim},
          {"hidden_act", "silu"},
          {"hidden_size", config.hidden_size},
          {"intermediate_size", config.intermediate_size},
          {"max_position_embeddings", config.max_position_embeddings},
          {"mlp_bias", config.mlp_bias},
          {"model_type", "llama"},
          {"num_attention_heads", config.num_attention_heads},
          {"num_hidden_layers", config.num_hidden_layers},
          {"num_key_value_heads", config.num_key_value_heads},
          {"pad_token_id", optional_id(config.pad_token_id)},
          {"rms_norm_eps", config.rms_norm_eps},
          {"rope_parameters", rope},
          {"rope_scaling", scaling},
          {"rope_theta", config.rope_theta},
          {"tie_word_embeddings", config.tie_word_embeddings},
          {"torch_dtype", config.torch_dtype},
          {"vocab_size", config.vocab_size}};
}

/// A changed field goes to wherever the source keeps it, so that no second spelling contradicts the
/// first.
void put(Json& target, const std::string& key, const Json& value) {
  if (key == "torch_dtype" && target.contains("dtype")) {
    target["dtype"] = value;
    if (!target.contains("torch_dtype")) return;
  }
  target[key] = value;
}

void put_rope(Json& target, const Json& fields) {
  bool theta_is_inside = false;
  for (const char* key : {"rope_parameters", "rope_scaling"}) {
    if (!target.contains(key) || !target[key].is_object()) continue;
    const bool had_theta = target[key].contains("rope_theta");
    target[key] = fields["rope_parameters"];
    if (!had_theta) target[key].erase("rope_theta");
    theta_is_inside = theta_is_inside || had_theta;
  }
  if (!target.contains("rope_parameters")) target["rope_scaling"] = fields["rope_scaling"];
  if (target.contains("rope_theta") || !theta_is_inside)
    target["rope_theta"] = fields["rope_theta"];
}

}  // namespace

std::string llama_config_json(const LlamaConfig& config) {
  const Json fields = all_fields(config);
  Json target = fields;
  if (!config.source_json.empty()) {
    const Json before = all_fields(parse_llama_config(config.source_json, "config.json"));
    target = parse_strict_json(config.source_json, "config.json");
    for (const auto& [key, value] : fields.items()) {
      if (before[key] != value && !key.starts_with("rope_")) put(target, key, value);
    }
    if (before["rope_parameters"] != fields["rope_parameters"]) put_rope(target, fields);
  }
  return target.dump(2, ' ', true) + "\n";
}

}  // namespace engine
