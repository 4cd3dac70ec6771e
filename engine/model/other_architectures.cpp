// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/other_architectures.h"

#include <map>

namespace engine {

std::string how_it_differs(const std::string& model_type) {
  static const std::map<std::string, std::string> differences = {
      {"bert",
       "is an encoder: attention looks both ways, positions are learned, norms are LayerNorm"},
      {"roberta",
       "is an encoder: attention looks both ways, positions are learned, norms are LayerNorm"},
      {"bloom", "uses ALiBi instead of rotary positions, LayerNorm and GELU"},
      {"cohere", "runs attention and MLP in parallel and scales the logits"},
      {"deepseek_v2", "uses latent attention and a mixture of experts"},
      {"deepseek_v3", "uses latent attention and a mixture of experts"},
      {"falcon",
       "fuses query, key and value, runs attention and MLP in parallel and uses LayerNorm"},
      {"gemma", "scales the embedding, adds one to the norm weights and uses GELU"},
      {"gemma2",
       "scales the embedding, adds one to the norm weights, caps the logits and alternates "
       "attention windows"},
      {"gemma3_text",
       "scales the embedding, adds one to the norm weights and normalises queries and keys"},
      {"gpt2",
       "has learned positions, LayerNorm, GELU and a fused c_attn instead of q_proj, k_proj and "
       "v_proj"},
      {"gpt_neox",
       "rotates a part of each head, uses LayerNorm and GELU and runs attention and MLP in "
       "parallel"},
      {"gptj", "rotates a part of each head and runs attention and MLP in parallel"},
      {"llama4_text", "uses a mixture of experts and layers without rotary positions"},
      {"mistral", "may limit attention to a sliding window"},
      {"mixtral", "has a mixture of experts instead of one MLP per block"},
      {"mllama", "adds cross-attention to images"},
      {"mpt", "uses ALiBi instead of rotary positions, LayerNorm and a fused query, key and value"},
      {"olmo", "normalises with a LayerNorm without weights"},
      {"olmo2", "normalises queries, keys and the outputs of attention and MLP"},
      {"opt", "has learned positions, LayerNorm and ReLU"},
      {"phi", "rotates a part of each head, uses LayerNorm and runs attention and MLP in parallel"},
      {"phi3", "fuses query, key and value, and gate and up"},
      {"qwen2", "has biases on query, key and value but none on the output projection"},
      {"qwen2_moe", "has a mixture of experts instead of one MLP per block"},
      {"qwen3", "normalises queries and keys"},
      {"qwen3_moe", "has a mixture of experts and normalises queries and keys"},
      {"smollm3", "leaves out rotary positions in every fourth layer"},
      {"stablelm", "rotates a part of each head and uses LayerNorm"},
      {"t5", "is an encoder and a decoder with relative position biases"},
  };
  const auto found = differences.find(model_type);
  return found == differences.end() ? "" : found->second;
}

}  // namespace engine
