// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/range_statistics/range_statistics.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace kernels::reference {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

float interpolated(const std::vector<float>& sorted, double q) {
  const double position = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double fraction = position - static_cast<double>(below);
  if (fraction == 0) return sorted[below];
  return static_cast<float>(sorted[below] +
                            (static_cast<double>(sorted[above]) - sorted[below]) * fraction);
}

}  // namespace

Range min_max(const float* x, std::int64_t count) {
  Range range;
  for (std::int64_t i = 0; i < count; ++i) {
    if (std::isnan(x[i])) return {kNaN, kNaN};
    range.lo = std::min(range.lo, x[i]);
    range.hi = std::max(range.hi, x[i]);
  }
  return {range.lo + 0.0f, range.hi + 0.0f};
}

Range quantiles(const float* x, std::int64_t count, double q, double r) {
  if (count == 0) return {};
  std::vector<float> sorted(x, x + count);
  for (const float value : sorted) {
    if (std::isnan(value)) return {kNaN, kNaN};
  }
  std::sort(sorted.begin(), sorted.end());
  return {interpolated(sorted, q), interpolated(sorted, r)};
}

}  // namespace kernels::reference
