// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/torchtitan_names.h"

#include <array>
#include <utility>

namespace engine {
namespace {

using Names = std::pair<const char*, const char*>;

constexpr std::array<Names, 3> outside{
    {{"lm_head", "output"}, {"model.embed_tokens", "tok_embeddings"}, {"model.norm", "norm"}}};
constexpr std::array<Names, 10> in_block{{{"self_attn", "attention"},
                                          {"self_attn.q_proj", "attention.wq"},
                                          {"self_attn.k_proj", "attention.wk"},
                                          {"self_attn.v_proj", "attention.wv"},
                                          {"self_attn.o_proj", "attention.wo"},
                                          {"mlp.gate_proj", "feed_forward.w1"},
                                          {"mlp.down_proj", "feed_forward.w2"},
                                          {"mlp.up_proj", "feed_forward.w3"},
                                          {"input_layernorm", "attention_norm"},
                                          {"post_attention_layernorm", "ffn_norm"}}};

}  // namespace

std::string torchtitan_name(const std::string& layer) {
  for (const auto& [ours, theirs] : outside)
    if (layer == ours) return theirs;
  const std::string prefix = "model.layers.";
  if (layer.compare(0, prefix.size(), prefix) != 0) return "";
  const std::size_t dot = layer.find('.', prefix.size());
  if (dot == std::string::npos) return "";
  const std::string rest = layer.substr(dot + 1);
  for (const auto& [ours, theirs] : in_block)
    if (rest == ours)
      return "layers." + layer.substr(prefix.size(), dot - prefix.size() + 1) + theirs;
  return "";
}

}  // namespace engine
