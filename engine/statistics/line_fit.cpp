// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/statistics/line_fit.h"

#include "engine/statistics/quantiles.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace engine {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

Estimate around(double value, double error, double quantile) {
  return {value, value - quantile * error, value + quantile * error};
}

}  // namespace

LineFit fit_line(std::int64_t count, const std::function<double(std::int64_t)>& x,
                 const std::function<double(std::int64_t)>& y, double confidence) {
  LineFit fit;
  fit.spread = kUnknown;
  fit.count = count;
  if (count < 3) return fit;
  const auto n = static_cast<double>(count);
  double sum_x = 0, sum_y = 0, largest = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    sum_x += x(i);
    sum_y += y(i);
    largest = std::max(largest, std::abs(x(i)));
  }
  fit.mean_x = sum_x / n;
  fit.mean_y = sum_y / n;
  double xx = 0, xy = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const double dx = x(i) - fit.mean_x;
    xx += dx * dx;
    xy += dx * (y(i) - fit.mean_y);
  }
  if (!(xx > n * 1e-24 * largest * largest)) return fit;
  const double gain = xy / xx;
  const double offset = fit.mean_y - gain * fit.mean_x;
  double squares = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const double residual = y(i) - fit.mean_y - gain * (x(i) - fit.mean_x);
    squares += residual * residual;
  }
  fit.spread = std::sqrt(squares / (n - 2));
  const double t = student_quantile(0.5 + confidence / 2, n - 2);
  fit.gain = around(gain, fit.spread / std::sqrt(xx), t);
  fit.offset = around(offset, fit.spread * std::sqrt(1 / n + fit.mean_x * fit.mean_x / xx), t);
  return fit;
}

Estimate estimated_mean(double mean, double spread, std::int64_t count, double confidence) {
  if (count < 2) return {mean, kUnknown, kUnknown};
  const auto n = static_cast<double>(count);
  return around(mean, spread / std::sqrt(n), student_quantile(0.5 + confidence / 2, n - 1));
}

Estimate estimated_spread(double sum_of_squares, double freedom, double excess, std::int64_t count,
                          double confidence) {
  if (!(freedom > 0)) return {};
  // Var(s²) = σ⁴ (2/freedom + excess/count): the degrees of freedom of the chi squared
  // distribution with that variance.
  const double heavier = std::max(0.0, excess) * freedom / static_cast<double>(count);
  const double effective = 2 * freedom / (2 + heavier);
  const double variance = sum_of_squares / freedom;
  const double above = chi_squared_quantile(0.5 - confidence / 2, effective);
  const double below = chi_squared_quantile(0.5 + confidence / 2, effective);
  return {std::sqrt(variance), std::sqrt(variance * effective / below),
          std::sqrt(variance * effective / above)};
}

}  // namespace engine
