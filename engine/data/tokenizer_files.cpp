// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/tokenizer_files.h"

#include "engine/data/json_part.h"
#include "engine/error.h"
#include "engine/printable.h"

#include <fmt/format.h>

#include <cmath>

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr double kNoLimit = 1e15;

bool is_file(const fs::path& path) {
  std::error_code code;
  return fs::is_regular_file(path, code);
}

// A special token is a string or an object with its content.
std::optional<std::string> special_token(const JsonPart& root, const char* key) {
  if (!root.has(key)) return std::nullopt;
  const JsonPart token = root.at(key);
  return token.value().is_object() ? token.text("content") : token.text();
}

std::optional<std::int64_t> max_length(const JsonPart& root) {
  if (!root.has("model_max_length")) return std::nullopt;
  const JsonPart part = root.at("model_max_length");
  if (!part.value().is_number()) part.refuse("bad-value", "must be a number");
  const double length = part.value().get<double>();
  if (length >= kNoLimit) return std::nullopt;
  if (length < 1 || length != std::floor(length))
    part.refuse("bad-value", "must be a whole number of at least 1");
  return static_cast<std::int64_t>(length);
}

}  // namespace

fs::path find_tokenizer_file(const fs::path& path) {
  std::error_code code;
  if (!fs::is_directory(path, code)) {
    if (!is_file(path))
      fail("missing-file", {path.string(), 0, 0},
           "there is no such tokenizer.json, nor such a folder");
    return path;
  }
  if (is_file(path / "tokenizer.json")) return path / "tokenizer.json";
  std::string instead;
  for (const char* name : {"tokenizer.model", "vocab.json", "vocab.txt", "spiece.model"})
    if (instead.empty() && is_file(path / name)) instead = name;
  const std::string convert = fmt::format(
      "Make one: python -c \"import sys; from transformers import AutoTokenizer; d = sys.argv[1]; "
      "AutoTokenizer.from_pretrained(d).save_pretrained(d)\" {}",
      shell_quoted(path.string()));
  fail("missing-file", {path.string(), 0, 0},
       instead.empty() ? "the folder has no tokenizer.json"
                       : fmt::format("the folder has no tokenizer.json, only {}", instead),
       instead.empty() ? "Name a folder that has one" : convert);
}

TokenizerSettings read_tokenizer_settings(const fs::path& folder) {
  TokenizerSettings settings;
  std::string bytes;
  for (const char* name : {"tokenizer_config.json", "special_tokens_map.json"}) {
    const fs::path file = folder / name;
    if (!is_file(file)) continue;
    const nlohmann::json document = read_json_file(file, bytes);
    const JsonPart root(document, "", file);
    if (!document.is_object()) root.refuse("bad-value", "must hold an object");
    if (!settings.bos_token) settings.bos_token = special_token(root, "bos_token");
    if (!settings.eos_token) settings.eos_token = special_token(root, "eos_token");
    if (!settings.model_max_length) settings.model_max_length = max_length(root);
  }
  return settings;
}

}  // namespace engine
