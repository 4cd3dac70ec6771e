// SPDX-License-Identifier: GPL-3.0-or-later
// What CLI11's own checks of numbers do not do: refuse in words that a user can read, and refuse a
// whole number that 64 bits cannot hold, in whose place CLI11 takes the largest.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>

namespace paradigm {

/// A number from `least` to `most`.
CLI::Validator number_in(double least, double most);

/// A whole number of at least `least` that 64 bits can hold.
CLI::Validator whole_number_from(std::int64_t least);

}  // namespace paradigm
