// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers as text and back, in the C locale, with the traps of YAML 1.1 against 1.2 refused by
// name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace engine {

/// Shortest text that reads back as the same double, always recognisable as a real: "0.02004",
/// "1.0", "1.0e-05".
std::string real_text(double value);
/// The same without the marks of a real: "1", "65536", "1e-05". For ranges and messages.
std::string short_number(double value);

/// What a plain word means as a number. `trap` explains why a word that looks like a number is not
/// taken as one.
struct NumberText {
  std::optional<std::int64_t> whole;
  std::optional<double> real;  ///< set also when `whole` is
  std::string trap;

  bool is_number() const { return real.has_value(); }
};

/// Reads decimal (1_000 allowed), hexadecimal (0x10) and floating-point (1e-5, .5, 1.) numbers.
/// Octal (010, 0o17), binary (0b1), sexagesimal (1:30), .nan and .inf, and numbers too large for
/// their type give a trap.
NumberText read_number(const std::string& text);

}  // namespace engine
