// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace tests {

struct TinyLlama {
  int hidden_size = 32;
  int intermediate_size = 64;
  int layers = 2;
  int heads = 4;
  int kv_heads = 2;
  int vocab_size = 257;  ///< the tokenizer has 257 ids: all bytes and <|endoftext|>
  bool tied = false;
  bool biases = false;
  std::uint64_t seed = 1;
};

/// Writes a complete checkpoint folder in Hugging Face's layout: config.json, model.safetensors
/// (fp32, random), tokenizer.json (bytes, no merges), tokenizer_config.json.
void write_tiny_llama(const std::filesystem::path& folder, const TinyLlama& model = {});

/// config.json alone.
std::string tiny_llama_config(const TinyLlama& model = {});

/// About `bytes` of English-like lines that a model can learn something from.
std::string tiny_text(std::size_t bytes, std::uint64_t seed = 7);

}  // namespace tests
