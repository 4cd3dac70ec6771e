// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/runs/run_series.h"

#include <cstddef>

namespace widgets {

/// A curve by step, placed on another axis: each value stands where its step, or the last one known
/// before it, stands there. Point i of the result is point i of the source. Grows with it.
class AxisSeries {
 public:
  /// `positions`: where steps stand, x = step, y = tokens or seconds, never falling.
  const engine::RunSeries& follow(const engine::RunSeries& source,
                                  const engine::RunSeries& positions);
  const engine::RunSeries& series() const { return series_; }

 private:
  engine::RunSeries series_;
  double last_step_ = 0;
};

/// y of the last point at or before x; NaN when there is none. O(log n).
double value_at_or_before(const engine::RunSeries& series, double x);

}  // namespace widgets
