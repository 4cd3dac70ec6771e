// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/text_format.h"

#include "engine/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string>

namespace engine {
namespace {

std::string ending(const std::filesystem::path& file) {
  std::string text = file.extension().string();
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

std::optional<TextFormat> text_format_of(const std::filesystem::path& file) {
  const std::string end = ending(file);
  if (end == ".txt") return TextFormat::lines;
  if (end == ".json" || end == ".jsonl") return TextFormat::json;
  if (end == ".parquet") return TextFormat::parquet;
  return std::nullopt;
}

TextFormat required_text_format(const std::filesystem::path& file) {
  if (const auto format = text_format_of(file)) return *format;
  const Place place{.file = file.string()};
  const std::string end = ending(file);
  if (end == ".csv" || end == ".tsv") {
    fail("csv-not-supported", place, fmt::format("{} files are not supported", end.substr(1)),
         "Write the texts as JSON lines ({\"text\": ...} on each line, name ending .jsonl) or as "
         "Parquet");
  }
  if (end == ".gz" || end == ".zst" || end == ".xz" || end == ".bz2" || end == ".zip") {
    fail("compressed-file", place, fmt::format("compressed files ({}) are not supported", end),
         "Decompress it first, or write it as Parquet, which is compressed inside");
  }
  fail("unknown-format", place,
       end.empty() ? std::string("the name has no ending that tells its format")
                   : fmt::format("files ending {} are not supported", end),
       "Supported are .txt, .json, .jsonl and .parquet");
}

}  // namespace engine
