// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/tiny_llama.h"

#include "engine/checkpoint/safetensors_file.h"
#include "engine/model/llama_config.h"
#include "engine/model/weight_names.h"
#include "kernels/noise_key.h"
#include "kernels/philox.h"

#include <cmath>
#include <fstream>
#include <vector>

namespace tests {
namespace {

namespace fs = std::filesystem;

void write(const fs::path& file, const std::string& content) {
  std::ofstream stream(file, std::ios::binary);
  stream << content;
}

/// UTF-8 of a code point below U+0800.
std::string utf8(unsigned point) {
  if (point < 0x80) return std::string(1, static_cast<char>(point));
  return {static_cast<char>(0xC0 | (point >> 6)), static_cast<char>(0x80 | (point & 0x3F))};
}

/// GPT-2's alphabet: printable bytes stand for themselves, the others follow from U+0100.
std::vector<std::string> byte_alphabet() {
  std::vector<std::string> letters;
  unsigned next = 256;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool is_printable =
        (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    letters.push_back(utf8(is_printable ? byte : next++));
  }
  return letters;
}

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

std::string tokenizer_json() {
  std::string vocabulary;
  int id = 0;
  for (const std::string& letter : byte_alphabet()) {
    vocabulary += (id == 0 ? "" : ", ") + quoted(letter) + ": " + std::to_string(id);
    ++id;
  }
  return R"({"version": "1.0", "truncation": null, "padding": null,
"added_tokens": [{"id": 256, "content": "<|endoftext|>", "single_word": false, "lstrip": false, "rstrip": false,
  "normalized": false, "special": true}],
"normalizer": null,
"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
"post_processor": null,
"decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
"model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
  "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
  "vocab": {)" +
         vocabulary +
         R"(}, "merges": []}}
)";
}

/// Roughly normal numbers around 0 with deviation `scale` (a sum of uniforms).
std::vector<float> random_values(std::int64_t count, std::uint64_t key, float scale) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto block = kernels::noise_block(key, i, {});
    float sum = -2;
    for (const std::uint32_t word : block.word) sum += kernels::uniform_from_word(word);
    values[i] = scale * sum * std::sqrt(3.0f);
  }
  return values;
}

}  // namespace

std::string tiny_llama_config(const TinyLlama& model) {
  const auto number = [](int value) { return std::to_string(value); };
  const std::string biases = model.biases ? "true" : "false";
  return R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
"bos_token_id": 256, "eos_token_id": 256, "torch_dtype": "float32", "rms_norm_eps": 1e-05, "rope_theta": 10000.0,
"max_position_embeddings": 256, "a_key_we_do_not_know": {"kept": true},
"attention_bias": )" +
         biases + ", \"mlp_bias\": " + biases +
         ", \"tie_word_embeddings\": " + (model.tied ? "true" : "false") +
         ", \"hidden_size\": " + number(model.hidden_size) +
         ", \"intermediate_size\": " + number(model.intermediate_size) +
         ", \"num_hidden_layers\": " + number(model.layers) +
         ", \"num_attention_heads\": " + number(model.heads) +
         ", \"num_key_value_heads\": " + number(model.kv_heads) +
         ", \"vocab_size\": " + number(model.vocab_size) + "}\n";
}

void write_tiny_llama(const fs::path& folder, const TinyLlama& model) {
  fs::create_directories(folder);
  write(folder / "config.json", tiny_llama_config(model));
  write(folder / "tokenizer.json", tokenizer_json());
  write(
      folder / "tokenizer_config.json",
      R"({"eos_token": "<|endoftext|>", "bos_token": "<|endoftext|>", "tokenizer_class": "GPT2Tokenizer"})"
      "\n");

  const engine::LlamaConfig config =
      engine::parse_llama_config(tiny_llama_config(model), "config.json");
  std::vector<std::vector<float>> storage;
  std::vector<engine::TensorToWrite> tensors;
  for (const engine::ExpectedTensor& expected : engine::expected_tensors(config)) {
    if (expected.optional) continue;
    std::int64_t count = 1;
    for (const std::int64_t size : expected.shape) count *= size;
    const bool is_norm = expected.name.ends_with("norm.weight");
    const float scale = is_norm ? 0.0f : 0.08f;
    storage.push_back(random_values(
        count, kernels::noise_key(model.seed, kernels::layer_id(expected.name), 0, 99), scale));
    if (is_norm) storage.back().assign(static_cast<std::size_t>(count), 1.0f);
    tensors.push_back({expected.name, "F32", expected.shape,
                       std::as_bytes(std::span<const float>(storage.back()))});
  }
  engine::write_safetensors(folder / "model.safetensors", tensors);
}

std::string tiny_text(std::size_t bytes, std::uint64_t seed) {
  static const char* const kWords[] = {"the",  "light", "of",     "a",     "lamp",   "falls",
                                       "on",   "glass", "and",    "turns", "slowly", "into",
                                       "sums", "that",  "nobody", "reads", "twice"};
  std::string text;
  for (std::uint64_t i = 0; text.size() < bytes; ++i) {
    const auto block = kernels::noise_block(kernels::mix(seed), i, {});
    text += kWords[block.word[0] % std::size(kWords)];
    text += block.word[1] % 9 == 0 ? ".\n" : " ";
  }
  return text + "\n";
}

}  // namespace tests
