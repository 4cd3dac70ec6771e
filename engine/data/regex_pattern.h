// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace engine {

/// Rewrites a pattern of a tokenizer.json for PCRE2. Such patterns are written for Oniguruma with
/// Ruby's syntax and the library's own Unicode version: \s, \w, \p{L} and their like become
/// explicit ranges, \h and \v and {,n} get the meaning they have there, nested sets are flattened.
/// Throws std::invalid_argument naming a construct whose meaning could not be kept. `pattern` must
/// be valid UTF-8. The result wants UTF and MULTILINE with LF as the only newline.
std::string pcre2_pattern(std::string_view pattern);

}  // namespace engine
