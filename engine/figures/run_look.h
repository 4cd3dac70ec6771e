// SPDX-License-Identifier: GPL-3.0-or-later
// How a run is drawn wherever it is drawn: in lists, charts, figures and exports.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>

namespace engine {

inline constexpr int kLookColors = 7;
inline constexpr int kLookShapes = 7;
/// A look is a number below this: a colour and a shape, so that colour alone never tells two runs
/// apart.
inline constexpr int kLooks = kLookColors * kLookShapes;

/// Index into a list of kLookColors colours.
constexpr int color_of_look(int look) { return look % kLookColors; }
/// Which of kLookShapes shapes; looks of one colour differ in it, and so do the first seven looks.
constexpr int shape_of_look(int look) { return (look + look / kLookColors) % kLookShapes; }

/// The looks of runs that are seen together. A run has the look that is remembered of it. A new one
/// has the colour that its key points at, or the next one that fewer runs have. Where two would
/// look alike, the later one keeps its colour and has another shape. Not thread-safe.
class RunLooks {
 public:
  /// `key` is what identifies the run (run_identity(), or its path). The same for the same key,
  /// whatever else is asked; a look is remembered from elsewhere only at a key's first mention.
  int of(const std::string& key, std::optional<int> remembered = {});

 private:
  std::map<std::string, int> known_;
  std::array<int, kLookColors> colors_{};  ///< runs that have each
  std::array<int, kLooks> looks_{};
};

}  // namespace engine
