// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace engine {

struct LlamaConfig;

/// A tensor that a Llama checkpoint has under Hugging Face's name.
struct ExpectedTensor {
  std::string name;                 ///< model.layers.0.self_attn.q_proj.weight
  std::vector<std::int64_t> shape;  ///< as in the file
  bool optional = false;            ///< lm_head.weight of a tied model: the file may leave it out
};

/// Every tensor of the checkpoint of `config` in module order: embedding, blocks, final norm, head.
std::vector<ExpectedTensor> expected_tensors(const LlamaConfig& config);

/// A name that older checkpoints carry although it is no weight (rotary_emb.inv_freq): to be
/// ignored, never missed.
bool is_ignored_tensor(const std::string& name);

}  // namespace engine
