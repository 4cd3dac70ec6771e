// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string_view>

namespace engine {

/// Offset of the first byte that does not belong to well-formed UTF-8 (overlong forms, surrogates
/// and values beyond U+10FFFF do not), or npos.
std::size_t first_invalid_utf8(std::string_view text);

}  // namespace engine
