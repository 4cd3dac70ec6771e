// SPDX-License-Identifier: GPL-3.0-or-later
// Gathers values of a foreign log, in whatever order it holds them.
#pragma once

#include "engine/compare/comparable_run.h"
#include "engine/runs/run_event.h"

#include <array>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace engine {

inline constexpr std::array<std::string_view, 3> kNonFiniteWords = {kMinusInfinity, kInfinity,
                                                                    kNotANumber};

struct ForeignPoint {
  double step = 0;
  double value = 0;
  double tokens = std::numeric_limits<double>::quiet_NaN();
  double seconds = std::numeric_limits<double>::quiet_NaN();  ///< since the beginning
  double clock = std::numeric_limits<double>::quiet_NaN();    ///< Unix time, where that is all
};

class ForeignCurves {
 public:
  /// `name` as it stands in the log.
  void add(const std::string& name, const ForeignPoint& point);
  /// Sorted by step, the last value of a step wins. Throws Error when there is no value at all.
  void move_into(ComparableRun& run);

 private:
  std::vector<std::string> names_;
  std::map<std::string, std::vector<ForeignPoint>> points_;
};

/// "train/loss" -> "loss", "eval/loss" -> "eval_loss", others as they are.
std::string own_metric_name(const std::string& name);

}  // namespace engine
