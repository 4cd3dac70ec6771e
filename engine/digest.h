// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace engine {

/// SHA-256 of `bytes` as 64 lower-case hexadecimal digits. Any thread. Throws Error when the
/// library refuses.
std::string sha256_hex(std::string_view bytes);

}  // namespace engine
