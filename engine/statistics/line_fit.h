// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <limits>

namespace engine {

/// A measured quantity with the bounds of its confidence interval; NaN where the data cannot tell.
struct Estimate {
  double value = std::numeric_limits<double>::quiet_NaN();
  double low = std::numeric_limits<double>::quiet_NaN();
  double high = std::numeric_limits<double>::quiet_NaN();

  bool contains(double x) const { return low <= x && x <= high; }
};

/// y = offset + gain·x + an error of standard deviation `spread`, by least squares.
struct LineFit {
  Estimate gain;
  Estimate offset;
  double spread = 0;  ///< of the residuals, with count - 2 degrees of freedom
  std::int64_t count = 0;
  double mean_x = 0;
  double mean_y = 0;
};

/// Student's intervals with probability `confidence` each. All is NaN with fewer than three points
/// or a constant x. `x` and `y` give point i of `count`; sums are taken about the means.
LineFit fit_line(std::int64_t count, const std::function<double(std::int64_t)>& x,
                 const std::function<double(std::int64_t)>& y, double confidence);

/// Mean of `count` values whose sample standard deviation is `spread`.
Estimate estimated_mean(double mean, double spread, std::int64_t count, double confidence);

/// A standard deviation from a sum of squares with `freedom` degrees of freedom: the interval is
/// that of chi squared, widened where the fourth moment says that the values have heavier tails
/// than the normal distribution. `excess`: excess kurtosis, `count`: the values it is of.
Estimate estimated_spread(double sum_of_squares, double freedom, double excess, std::int64_t count,
                          double confidence);

}  // namespace engine
