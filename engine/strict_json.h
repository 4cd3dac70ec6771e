// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <exception>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace engine {

/// JSON from a file that nobody vouches for: no duplicate keys at any level, at most 64 levels
/// deep, nothing behind the value, no NUL byte. Throws Error with id "bad-json", the file and,
/// for mistakes of syntax, the line.
nlohmann::json parse_strict_json(std::string_view text, const std::string& file);

/// Why nlohmann's parser or a read of one of its values failed, without the name of the exception
/// and the place: "syntax error while parsing value - unexpected end of input". Fit for a message.
std::string json_reason(const std::exception& error);

/// The file's text. Throws Error when it cannot be read, is no regular file or is larger than
/// `limit` bytes.
std::string read_text_file(const std::filesystem::path& file, std::size_t limit);

}  // namespace engine
