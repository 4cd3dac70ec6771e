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

struct TextPiece {
  std::size_t offset = 0;
  std::size_t length = 0;
};

/// Runs of letters, digits and underscores that stand for themselves: in no escape and no class.
std::vector<TextPiece> literal_words(const std::string& pattern);

/// The pattern in syntax that both read alike, with what Python makes of it ({,3} → {0,3},
/// (?<n>…) → (?P<n>…)); "" when that cannot be told.
std::string portable_pattern(const std::string& pattern);

/// A layer name that the pattern may have been meant for: its text with escapes and number classes
/// undone.
std::string plain_reading(const std::string& pattern);

}  // namespace engine
