// SPDX-License-Identifier: GPL-3.0-or-later
// Checkpoints of real sizes for benchmarks.
#pragma once

#include "engine/checkpoint/safetensors_file.h"
#include "engine/model/llama_config.h"
#include "engine/model/weight_names.h"
#include "tests/support/tiny_llama.h"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace benchmarks {

struct LlamaSize {
  const char* name;
  int width, inner, blocks, heads, kv_heads;
};

inline constexpr LlamaSize k60M{"60M", 384, 1408, 22, 6, 6};
inline constexpr LlamaSize k400M{"400M", 960, 2560, 30, 15, 5};
inline constexpr LlamaSize k1100M{"1.1B", 2048, 5632, 22, 32, 4};
inline constexpr LlamaSize k80Blocks{"80 blocks", 8192, 28672, 80, 64, 8};

inline std::string config_json(const LlamaSize& size) {
  return R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 32000,)"
         R"( "hidden_size": )" +
         std::to_string(size.width) + R"(, "intermediate_size": )" + std::to_string(size.inner) +
         R"(, "num_hidden_layers": )" + std::to_string(size.blocks) +
         R"(, "num_attention_heads": )" + std::to_string(size.heads) +
         R"(, "num_key_value_heads": )" + std::to_string(size.kv_heads) +
         R"(, "max_position_embeddings": 2048, "rms_norm_eps": 1e-05,)"
         R"( "rope_theta": 10000.0, "tie_word_embeddings": false, "torch_dtype": "bfloat16"})";
}

/// A whole checkpoint in bf16 with a tokenizer of bytes. Its weights are small random numbers, the
/// same ones in every tensor: good for timings alone.
inline void write_checkpoint(const std::filesystem::path& folder, const LlamaSize& size) {
  tests::write_tiny_llama(folder);  // for the tokenizer
  std::ofstream(folder / "config.json") << config_json(size);
  const auto config = engine::parse_llama_config(config_json(size), "config.json");
  std::vector<std::uint16_t> numbers;
  std::vector<engine::TensorToWrite> tensors;
  const auto expected = engine::expected_tensors(config);
  const auto count_of = [](const engine::ExpectedTensor& tensor) {
    std::size_t count = 1;
    for (const std::int64_t length : tensor.shape) count *= static_cast<std::size_t>(length);
    return count;
  };
  std::size_t most = 0;
  for (const auto& tensor : expected) most = std::max(most, count_of(tensor));
  std::mt19937 random(1);
  numbers.resize(most);
  // Sign and mantissa at random, magnitudes between 2^-6 and 2^-5.
  for (auto& number : numbers) number = static_cast<std::uint16_t>((random() & 0x807F) | 0x3C80);
  for (const auto& tensor : expected) {
    const std::span<const std::uint16_t> part(numbers.data(), count_of(tensor));
    tensors.push_back({tensor.name, "BF16", tensor.shape, std::as_bytes(part)});
  }
  engine::write_safetensors(folder / "model.safetensors", std::move(tensors));
}

}  // namespace benchmarks
