// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/compare/run_metrics.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace engine {

/// One number of a curve: what a table of runs shows.
struct Statistic {
  enum class Kind { last, minimum, maximum, mean_of_last, at_step };
  Kind kind = Kind::last;
  std::int64_t number = 0;  ///< values of mean_of_last, step of at_step

  bool operator==(const Statistic&) const = default;
};

std::string to_string(const Statistic& statistic);  ///< "last", "min", "max", "mean:10", "at:500"
/// Throws Error naming `place` for a word that is none of these.
Statistic parse_statistic(const std::string& text, const std::string& place);

struct StatisticValue {
  double value = std::numeric_limits<double>::quiet_NaN();
  std::int64_t step = 0;        ///< where it was logged; of a mean, its last step
  std::int64_t count = 0;       ///< values it is of
  std::int64_t non_finite = 0;  ///< values of the whole curve that are NaN or infinite
};

/// Nothing when the curve is empty, or begins behind `at_step`. `last` and `at_step` (the value at
/// that step or the last one before it, never a later one) may be NaN, as logged, and so is a mean
/// with a NaN among its values; minimum and maximum are over finite values, NaN without any.
std::optional<StatisticValue> statistic_of(const CurveView& curve, const Statistic& statistic);

}  // namespace engine
