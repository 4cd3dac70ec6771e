// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/data/text_stream.h"

#include <filesystem>
#include <memory>

namespace engine {

/// A text file: each line is one text. "\r\n" and "\r" end a line too and become "\n"; no other
/// character does. With `keep_linebreaks` the text ends with its "\n" (but for a last line without
/// one). Throws Error for a file that is empty, missing or, by a NUL byte or invalid UTF-8, not
/// text.
std::unique_ptr<TextStream> open_line_text(const std::filesystem::path& file, bool keep_linebreaks);

}  // namespace engine
