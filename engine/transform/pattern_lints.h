// SPDX-License-Identifier: GPL-3.0-or-later
// What can be said about a pattern from its text alone.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace engine {

/// Offsets of dots that match any one character: not escaped, not in a class, without a quantifier
/// behind them.
std::vector<std::size_t> bare_dots(const std::string& pattern);

struct NotPortable {
  std::size_t offset = 0;
  std::string message;  ///< both readings
};

/// The first construct that Python's `re` and PCRE2 read differently.
std::optional<NotPortable> not_portable(const std::string& pattern);

/// A layer name that the pattern may have been meant for: its text with escapes and number classes
/// undone.
std::string plain_reading(const std::string& pattern);

}  // namespace engine
