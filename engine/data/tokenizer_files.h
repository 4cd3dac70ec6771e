// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace engine {

/// tokenizer.json itself, or the one in a folder. Error that says what the folder has instead.
std::filesystem::path find_tokenizer_file(const std::filesystem::path& path);

/// What stands beside tokenizer.json in tokenizer_config.json (special_tokens_map.json for a
/// special token missing there).
struct TokenizerSettings {
  std::optional<std::string> bos_token;
  std::optional<std::string> eos_token;
  /// Absent where the file gives none or one too large to be meant (transformers writes 1e30).
  std::optional<std::int64_t> model_max_length;
};

/// `folder` may hold neither file. Error for malformed ones.
TokenizerSettings read_tokenizer_settings(const std::filesystem::path& folder);

}  // namespace engine
