// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/torchtitan_translation.h"

#include "engine/config/layer_pattern.h"
#include "engine/config/torchtitan_names.h"
#include "engine/transform/pattern_lints.h"
#include "engine/transform/pattern_synthesis.h"

#include <map>

namespace engine {
namespace {

/// Words of torchtitan's names in the checkpoint's, as patterns.
const std::map<std::string, std::string>& words() {
  static const std::map<std::string, std::string> table{{"layers", "model\\.layers"},
                                                        {"attention", "self_attn"},
                                                        {"wq", "q_proj"},
                                                        {"wk", "k_proj"},
                                                        {"wv", "v_proj"},
                                                        {"wo", "o_proj"},
                                                        {"feed_forward", "mlp"},
                                                        {"w1", "gate_proj"},
                                                        {"w2", "down_proj"},
                                                        {"w3", "up_proj"},
                                                        {"output", "lm_head"},
                                                        {"tok_embeddings", "model\\.embed_tokens"},
                                                        {"norm", "model\\.norm"},
                                                        {"attention_norm", "input_layernorm"},
                                                        {"ffn_norm", "post_attention_layernorm"}};
  return table;
}

std::string word_by_word(const std::string& pattern) {
  std::string text;
  std::size_t done = 0;
  for (const TextPiece& word : literal_words(pattern)) {
    text += pattern.substr(done, word.offset - done);
    const std::string old = pattern.substr(word.offset, word.length);
    const auto found = words().find(old);
    text += found == words().end() ? old : found->second;
    done = word.offset + word.length;
  }
  return text + pattern.substr(done);
}

std::string name_by_name(const std::string& name, const std::vector<std::string>& layers) {
  for (const std::string& layer : layers)
    if (torchtitan_name(layer) == name) return layer;
  return "";
}

std::vector<std::string> selected(const std::string& pattern, bool use_regex,
                                  const std::vector<std::string>& layers, bool by_torchtitan) {
  const LayerPattern matcher(pattern, use_regex);
  std::vector<std::string> found;
  for (const std::string& layer : layers) {
    const std::string name = by_torchtitan ? torchtitan_name(layer) : layer;
    if (!name.empty() && matcher.match(name) == LayerPattern::Result::match) found.push_back(layer);
  }
  return found;
}

}  // namespace

TranslatedPattern translate_pattern(const std::string& pattern, bool use_regex,
                                    const std::vector<std::string>& layers) {
  const std::vector<std::string> meant = selected(pattern, use_regex, layers, true);
  if (meant.empty()) return {};
  if (!use_regex) return {name_by_name(pattern, layers), false};
  const std::string translated = word_by_word(pattern);
  if (selected(translated, true, layers, false) == meant) return {translated, false};
  return {synthesize_pattern(meant, layers).pattern, true};
}

}  // namespace engine
