// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/data/text_stream.h"

#include <filesystem>
#include <memory>

namespace engine {

/// A JSON file: one object per line, or one array of objects. The text is column `text` where the
/// first object has it, else the first object's first column. Rows without it, or with null, are
/// skipped and counted. Throws Error naming file and line: not JSON, a column that is not a string,
/// a binary or empty file.
std::unique_ptr<TextStream> open_json_text(const std::filesystem::path& file);

}  // namespace engine
