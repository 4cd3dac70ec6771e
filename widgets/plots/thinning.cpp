// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/thinning.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace widgets {

std::vector<engine::SeriesPoint> one_per_column(std::span<const double> x,
                                                std::span<const double> y, double from, double to,
                                                std::size_t columns) {
  std::vector<engine::SeriesPoint> points;
  if (x.empty() || columns == 0 || !(to > from)) return points;
  auto first = std::lower_bound(x.begin(), x.end(), from) - x.begin();
  auto last = std::upper_bound(x.begin(), x.end(), to) - x.begin();
  if (first > 0) --first;
  if (last < static_cast<std::ptrdiff_t>(x.size())) ++last;
  const double width = (to - from) / static_cast<double>(columns);
  double column = -std::numeric_limits<double>::infinity();
  for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
    if (!std::isfinite(y[i])) continue;
    const double at = std::floor((x[i] - from) / width);
    if (!points.empty() && at == column) {
      points.back() = {x[i], y[i]};
    } else {
      points.push_back({x[i], y[i]});
    }
    column = at;
  }
  return points;
}

ValueRange robust_range(std::span<const double> y) {
  constexpr std::size_t kSample = 4000;
  std::vector<double> values;
  const std::size_t stride = std::max<std::size_t>(1, y.size() / kSample);
  values.reserve(y.size() / stride + 1);
  for (std::size_t i = 0; i < y.size(); i += stride) {
    if (std::isfinite(y[i])) values.push_back(y[i]);
  }
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const std::size_t cut = values.size() >= 50 ? values.size() / 100 : 0;
  double low = values[cut];
  double high = values[values.size() - 1 - cut];
  double padding = (high - low) * 0.08;
  if (padding == 0) padding = std::max(std::abs(high) * 0.05, 1e-12);
  return {low - padding, high + padding};
}

ValueRange settle(const ValueRange& current, const ValueRange& wanted) {
  const double used = (wanted.high - wanted.low) / (current.high - current.low);
  const bool fits = wanted.low >= current.low && wanted.high <= current.high;
  if (fits && used >= 0.6) return current;
  if (fits) return wanted;
  const double margin = (wanted.high - wanted.low) * 0.05;
  return {wanted.low < current.low ? wanted.low - margin : std::max(current.low, wanted.low),
          wanted.high > current.high ? wanted.high + margin : std::min(current.high, wanted.high)};
}

}  // namespace widgets
