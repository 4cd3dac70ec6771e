// SPDX-License-Identifier: GPL-3.0-or-later
// What of a series reaches the screen: pure functions, tested apart from any plot.
#pragma once

#include "engine/runs/run_series.h"

#include <span>
#include <vector>

namespace widgets {

/// The last finite point in each of `columns` equal parts of [from, to], with one neighbour beyond
/// either end, so that the line leaves the view where it should. For smooth curves only: spikes
/// between are lost.
std::vector<engine::SeriesPoint> one_per_column(std::span<const double> x,
                                                std::span<const double> y, double from, double to,
                                                std::size_t columns);

struct ViewPiece {
  double from = 0;
  double to = 0;
  std::size_t columns = 0;
};

/// A view of so many pixel columns as stretches whose columns are of one width in x: one, or 32 for
/// a logarithmic axis.
std::vector<ViewPiece> view_pieces(double from, double to, std::size_t columns, bool logarithmic);

struct ValueRange {
  double low = 0;
  double high = 1;
};

/// Where to put the axis for values that may hold outliers and non-finite ones: the 1st to 99th
/// percentile of a sample once there are 50 values, and what lies near them; all of them before;
/// padded. An outlier never squashes the curve.
ValueRange robust_range(std::span<const double> y);

/// Grows at once when `wanted` needs it and shrinks only when less than 60 % would be used: a live
/// axis that does not twitch.
ValueRange settle(const ValueRange& current, const ValueRange& wanted);

}  // namespace widgets
