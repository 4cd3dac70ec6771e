// SPDX-License-Identifier: GPL-3.0-or-later
// Finite sets of words and of numbers as patterns.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace engine {

/// A pattern for exactly these words, common beginnings and ends taken out at `.` and `_`:
/// `(self_attn\.[qk]|mlp\.gate)_proj`. A piece `.*` of a word stays a wildcard when `wildcards` is
/// set. In brackets where it is an alternation and `in_group` asks for it.
std::string word_set_pattern(const std::vector<std::string>& words, bool wildcards, bool in_group);

/// A pattern that matches all of `wanted` and none of `unwanted`, decimal numbers both; about other
/// numbers it says nothing: `[0-9]+`, `[0-3]`, `(1[6-9]|[23][0-9])`.
std::string number_set_pattern(const std::set<std::string>& wanted,
                               const std::set<std::string>& unwanted);

}  // namespace engine
