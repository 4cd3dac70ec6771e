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
  auto begin = static_cast<std::size_t>(std::lower_bound(x.begin(), x.end(), from) - x.begin());
  auto end = static_cast<std::size_t>(std::upper_bound(x.begin(), x.end(), to) - x.begin());
  if (begin > 0) --begin;
  if (end < x.size()) ++end;
  const double width = (to - from) / static_cast<double>(columns);
  // The last point of each column is looked for, not walked to: a view of millions costs no more.
  for (std::size_t i = begin; i < end;) {
    double edge = from + width * (std::floor((x[i] - from) / width) + 1);
    if (edge <= x[i]) edge += width;  // x stands on an edge, and the division was rounded down
    auto next = static_cast<std::size_t>(
        std::lower_bound(x.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                         x.begin() + static_cast<std::ptrdiff_t>(end), edge) -
        x.begin());
    for (std::size_t last = next; last-- > i;) {
      if (!std::isfinite(y[last])) continue;
      points.push_back({x[last], y[last]});
      break;
    }
    i = next;
  }
  return points;
}

std::vector<ViewPiece> view_pieces(double from, double to, std::size_t columns, bool logarithmic) {
  constexpr std::size_t kPieces = 32;
  if (!logarithmic || !(from > 0) || columns < 2 * kPieces) return {{from, to, columns}};
  std::vector<ViewPiece> pieces;
  const double factor = std::pow(to / from, 1.0 / double(kPieces));
  double edge = from;
  for (std::size_t i = 0; i < kPieces; ++i) {
    const double next = i + 1 == kPieces ? to : edge * factor;
    pieces.push_back({edge, next, columns / kPieces});
    edge = next;
  }
  return pieces;
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
  const std::size_t cut = values.size() >= 50 ? values.size() / 100 : 0;
  const auto ranked = [&values](std::size_t rank) {
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(rank);
    std::nth_element(values.begin(), at, values.end());
    return *at;
  };
  double low = ranked(cut);
  double high = ranked(values.size() - 1 - cut);
  // What lies but a little beyond is the noise of the curve, no outlier: it belongs to the view.
  constexpr double kNear = 0.75;
  const auto [least, largest] = std::minmax_element(values.begin(), values.end());
  const double near = (high - low) * kNear;
  if (*least >= low - near) low = *least;
  if (*largest <= high + near) high = *largest;
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
