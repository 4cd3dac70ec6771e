// SPDX-License-Identifier: GPL-3.0-or-later
// A small Llama and a transform with everything a view has to show: a winner, a shadowed rule, a
// fallback.
#pragma once

#include "engine/config/transform_config.h"
#include "engine/model/llama_config.h"
#include "engine/transform/layer_inventory.h"
#include "engine/transform/paradigm_info.h"
#include "widgets/models/plan_view.h"

#include <memory>
#include <string>

namespace tests {

inline std::string sample_config_json(int blocks = 4) {
  return R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64,
    "intermediate_size": 160, "num_hidden_layers": )" +
         std::to_string(blocks) + R"(, "num_attention_heads": 4, "num_key_value_heads": 2,
    "vocab_size": 256, "max_position_embeddings": 128, "rms_norm_eps": 1e-5, "hidden_act": "silu",
    "tie_word_embeddings": false, "torch_dtype": "float32"})";
}

inline const char* sample_transform() {
  return R"(layer_name_to_config:
  model\.layers\.[0-9]+\.self_attn: {q_levels: 256}
  model\.layers\.[0-9]+\.self_attn\.(q|k)_proj: {q_levels: 64}
  model\.layers\.[0-9]+\.self_attn\.k_proj: {q_levels: 16}
  lm_head: null
  default: {q_levels: 128}
)";
}

inline std::shared_ptr<const widgets::OpenCheckpoint> sample_checkpoint(int blocks = 4) {
  return widgets::make_checkpoint(
      QStringLiteral("/models/tiny"),
      engine::parse_llama_config(sample_config_json(blocks), "config.json"));
}

inline widgets::PlanViewPtr sample_view(const std::string& yaml = sample_transform(),
                                        int blocks = 4) {
  auto transform = std::make_shared<engine::ParsedTransform>(
      engine::parse_transform_config(yaml, "sample.yaml", engine::paradigm_infos()));
  return widgets::make_plan_view(sample_checkpoint(blocks), std::move(transform),
                                 engine::paradigm_infos());
}

}  // namespace tests
