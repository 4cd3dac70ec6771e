// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/clm_family.h"

#include "engine/error.h"
#include "engine/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <system_error>

namespace engine {
namespace {

/// int(1.3 · int(8d/3)), rounded up to a multiple of 128.
std::int64_t feed_forward_width(std::int64_t width) {
  const std::int64_t wanted = 8 * width / 3 * 13 / 10;
  return (wanted + 127) / 128 * 128;
}

ClmFlavour flavour(std::string name, std::int64_t width, std::int64_t layers, std::int64_t heads,
                   std::int64_t kv_heads) {
  LlamaConfig config;
  config.hidden_size = width;
  config.intermediate_size = feed_forward_width(width);
  config.num_hidden_layers = layers;
  config.num_attention_heads = heads;
  config.num_key_value_heads = kv_heads;
  config.head_dim = width / heads;
  config.vocab_size = 49152;
  config.max_position_embeddings = 2048;
  config.rms_norm_eps = 1e-5;
  return {std::move(name), std::move(config)};
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

const std::vector<ClmFlavour>& clm_family() {
  static const std::vector<ClmFlavour> family = {
      flavour("debug", 128, 2, 4, 2),   flavour("60M", 384, 22, 6, 2),
      flavour("200M", 768, 24, 12, 4),  flavour("400M", 960, 30, 15, 5),
      flavour("600M", 1152, 32, 18, 6), flavour("1.1B", 1536, 32, 24, 8),
  };
  return family;
}

std::optional<LlamaConfig> find_clm_config(const std::string& name) {
  std::string wanted = lower(name);
  for (const std::string prefix : {"aicrosssim/", "clm-"}) {
    if (wanted.starts_with(prefix)) wanted.erase(0, prefix.size());
  }
  for (const ClmFlavour& each : clm_family()) {
    if (lower(each.name) == wanted) return each.config;
  }
  return std::nullopt;
}

LlamaConfig named_llama_config(const std::string& name_or_path) {
  if (auto config = find_clm_config(name_or_path)) return *config;
  std::filesystem::path path = name_or_path;
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) path /= "config.json";
  if (std::filesystem::exists(path, error)) return read_llama_config(path);
  std::string names;
  for (const ClmFlavour& each : clm_family())
    names += (names.empty() ? "clm-" : ", clm-") + lower(each.name);
  fail("unknown-config", {"--config_name"},
       fmt::format("there is no configuration \"{}\"", printable(name_or_path)),
       fmt::format("Give a config.json, or one of {}", names));
}

}  // namespace engine
