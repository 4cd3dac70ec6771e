// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <optional>

namespace engine {

enum class TextFormat { lines, json, parquet };

/// By the name's ending, in any case: .txt, .json and .jsonl, .parquet; nothing for another.
std::optional<TextFormat> text_format_of(const std::filesystem::path& file);
/// As above, but another ending is an Error that names the file and what to do; csv and compressed
/// files by name.
TextFormat required_text_format(const std::filesystem::path& file);

}  // namespace engine
