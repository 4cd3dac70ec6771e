// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace engine {

/// Text from a file that nobody vouches for, fit for a message: valid UTF-8 on one line, control
/// characters and broken bytes as \xNN, cut after about `limit` bytes with "…".
std::string printable(std::string_view text, std::size_t limit = 120);

/// `word` as a shell reads it back, in quotes where it needs them: for commands that a message
/// offers.
std::string shell_quoted(std::string_view word);

}  // namespace engine
