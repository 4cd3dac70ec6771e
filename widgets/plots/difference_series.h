// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/compare/curve_difference.h"
#include "engine/compare/group_divergence.h"
#include "engine/runs/run_series.h"
#include "widgets/plots/thinning.h"

#include <limits>
#include <optional>
#include <vector>

namespace widgets {

/// A difference to the baseline as a DifferencePlot draws it. Made where the comparison is, on any
/// thread: a frame of twenty live runs has no time for it.
struct DifferenceSeries {
  engine::RunSeries raw;          ///< every single difference; empty for groups, and when not asked
  std::vector<double> x, main;    ///< the line: means of neighbours, or a group's mean difference
  std::vector<double> low, high;  ///< of a group: its interval at the points of the line
  std::vector<double> at, value;  ///< every single difference, for a cursor
  std::vector<double> half;       ///< of a group: half-width of the interval of each
  std::vector<engine::DifferenceGap> gaps;
  double band = std::numeric_limits<double>::quiet_NaN();  ///< half-width of a run's noise band
  std::optional<double> leaves_at;  ///< x from which on it is more than noise
  ValueRange range{0, 0};           ///< what of y is worth showing

  bool isGroup() const { return !low.empty(); }
  bool isEmpty() const { return main.empty(); }
};

DifferenceSeries difference_series(const engine::CurveDifference& difference, bool with_raw);
/// `zero` becomes x 0.
DifferenceSeries difference_series(const engine::GroupDelta& delta, double zero);

}  // namespace widgets
