// SPDX-License-Identifier: GPL-3.0-or-later
// From selected layers to a pattern: the shortest one, of a family that people write by hand, that
// matches exactly these layers.
#pragma once

#include <string>
#include <vector>

namespace engine {

struct PatternSuggestion {
  std::string pattern;
  std::vector<std::string> extra;  ///< layers that it matches beside the selected ones
  std::string why;                 ///< "every block", "each name on its own": one clause for a menu
};

struct SynthesizedPattern {
  /// Matches the selection and nothing else of the inventory. Empty only when the selection is, or
  /// when `problem` says why there is none.
  std::string pattern;
  /// It is exact but no pattern that a person would want to read: offer the alternatives first.
  bool is_unwieldy = false;
  std::string problem;
  /// Wider ones, each with the layers that it would add, then the explicit list of names; none of
  /// them equal to `pattern`.
  std::vector<PatternSuggestion> alternatives;
};

/// `layers` are the names among which the pattern must tell: those that the file's paradigms can
/// replace (TransformPlan::assignments), or all of LayerInventory. Only syntax that Python's re and
/// PCRE2 read alike: literals with escaped dots, [0-9]+, classes, groups, `.*`; no look-around. The
/// literals `default` and `total`, which mean something else as a key, are not written as such.
/// Order of `selected` does not matter. Some milliseconds for a thousand layers; any thread.
SynthesizedPattern synthesize_pattern(const std::vector<std::string>& selected,
                                      const std::vector<std::string>& layers);

/// `name` as a pattern that matches it alone: every character that means something is escaped.
std::string escaped_pattern(const std::string& name);

}  // namespace engine
