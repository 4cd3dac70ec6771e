// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/runs/run_series.h"
#include "widgets/plots/thinning.h"

#include <cstddef>
#include <span>
#include <vector>

namespace widgets {

/// A series thinned to the pixel columns of a linear axis, gone on with as the series grows: only
/// the columns from the newest point on are looked at again. One view for one way of thinning.
class GrowingView {
 public:
  /// one_per_column() of these values.
  const std::vector<engine::SeriesPoint>& lastOfColumns(std::span<const double> x,
                                                        std::span<const double> y,
                                                        const ValueRange& shown,
                                                        std::size_t columns);
  /// Minimum and maximum of each column, and the nearest points outside.
  const std::vector<engine::SeriesPoint>& envelope(const engine::RunSeries& series,
                                                   const ValueRange& shown, std::size_t columns);
  void clear() { known_ = 0; }

 private:
  /// Keeps the columns that stay as they are. Returns which is the first that does not: 0 = all are
  /// new, `columns` = none is.
  std::size_t keep(std::span<const double> x, std::span<const double> y, const ValueRange& shown,
                   std::size_t columns);
  void append(const std::vector<engine::SeriesPoint>& points, double from, double to);

  std::vector<engine::SeriesPoint> points_;
  ValueRange shown_;
  std::size_t columns_ = 0;
  std::size_t known_ = 0;  ///< values of the series that the points are of
  double last_x_ = 0;
  double last_y_ = 0;
};

}  // namespace widgets
