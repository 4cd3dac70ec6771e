// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace engine {

/// Frequency scaling of Llama 3 (type `llama3`) or position interpolation (type `linear`).
struct RopeScaling {
  std::string type;  ///< "llama3" or "linear"
  double factor = 1;
  double low_freq_factor = 1;
  double high_freq_factor = 4;
  std::int64_t original_max_position_embeddings = 8192;
};

/// Architecture of a Llama checkpoint: the fields of Hugging Face's config.json, under their names.
/// What each field means and what its absence means: the table in read_llama_config's
/// documentation.
struct LlamaConfig {
  std::int64_t hidden_size = 0;
  std::int64_t intermediate_size = 0;
  std::int64_t num_hidden_layers = 0;
  std::int64_t num_attention_heads = 0;
  std::int64_t num_key_value_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t vocab_size = 0;
  std::int64_t max_position_embeddings = 2048;
  double rms_norm_eps = 1e-6;
  double rope_theta = 10000;
  std::optional<RopeScaling> rope_scaling;
  bool tie_word_embeddings = false;
  bool attention_bias = false;
  bool mlp_bias = false;
  double attention_dropout = 0;
  std::string torch_dtype = "float32";  ///< of the file: float32, bfloat16 or float16
  std::optional<std::int64_t> bos_token_id;
  std::vector<std::int64_t> eos_token_ids;
  std::optional<std::int64_t> pad_token_id;

  /// The file's own text, so that keys we do not know survive when it is written again. Empty for a
  /// new model.
  std::string source_json;

  /// Numbers that are trained; a tied head counts once.
  std::int64_t total_parameters() const;
  /// Without the input embedding, with the head: the N_ex that upstream's token budgets count. A
  /// tied matrix counts as the head's, so that FLOPs per token stay 6·N_ex.
  std::int64_t non_embedding_parameters() const;
};

/// Reads and checks DIRECTORY/config.json. Throws Error naming file, field and value: a missing or
/// non-positive size, heads that kv heads do not divide, another architecture, activation or rope
/// type. Null counts as absent, and absent means
/// - an error for hidden_size, intermediate_size, num_hidden_layers, num_attention_heads and
///   vocab_size, and when both model_type (llama) and architectures (LlamaForCausalLM) are absent;
/// - num_key_value_heads: num_attention_heads, which it must divide;
/// - head_dim: hidden_size / num_attention_heads (it may differ from that; even);
/// - rms_norm_eps: 1e-6; rope_theta: 10000; max_position_embeddings: 2048;
/// - rope_scaling: none (else rope_type, older `type`: default, linear or llama3). Newer files hold
///   it and rope_theta in rope_parameters; two spellings that disagree are refused;
/// - tie_word_embeddings, attention_bias, mlp_bias: false; attention_dropout: 0;
/// - hidden_act: silu, the only one; torch_dtype (newer: dtype): float32;
/// - bos_token_id, eos_token_id (one or a list), pad_token_id: the tokenizer's.
/// Other keys are kept and ignored, but partial_rotary_factor and quantization_config are refused:
/// they change what the weights mean.
LlamaConfig read_llama_config(const std::filesystem::path& file);
LlamaConfig parse_llama_config(const std::string& json, const std::string& file);

/// config.json for `config`: the source's keys stay, changed ones are replaced, a new model gets
/// both spellings of the rope fields. Pretty-printed as transformers writes it, sorted by key.
std::string llama_config_json(const LlamaConfig& config);

}  // namespace engine
