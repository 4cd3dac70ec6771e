// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/data/text_stream.h"

#include <filesystem>
#include <memory>

namespace engine {

/// A Parquet file: column `text`, else the first column; string or large string, dictionary-encoded
/// too. Null rows are skipped and counted. Throws Error naming the file: damaged, empty, or a
/// column that is not a string.
std::unique_ptr<TextStream> open_parquet_text(const std::filesystem::path& file);

}  // namespace engine
