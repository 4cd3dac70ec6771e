// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/data/text_stream.h"

#include <filesystem>
#include <memory>

namespace engine {

/// The texts of a txt, json, jsonl or parquet file, as its ending says. `keep_linebreaks` is for
/// txt. Throws Error naming the file.
std::unique_ptr<TextStream> open_text_file(const std::filesystem::path& file, bool keep_linebreaks);

}  // namespace engine
