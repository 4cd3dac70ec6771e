// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/growing_view.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace widgets {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

bool same(double one, double other) {
  return one == other || (std::isnan(one) && std::isnan(other));
}

}  // namespace

std::size_t GrowingView::keep(std::span<const double> x, std::span<const double> y,
                              const ValueRange& shown, std::size_t columns) {
  const bool goes_on = known_ > 0 && known_ <= x.size() && same(x[known_ - 1], last_x_) &&
                       same(y[known_ - 1], last_y_) && shown.low == shown_.low &&
                       shown.high == shown_.high && columns == columns_;
  const std::size_t known = goes_on ? known_ : 0;
  const double newest = last_x_;
  shown_ = shown;
  columns_ = columns;
  known_ = x.size();
  if (!x.empty()) {
    last_x_ = x.back();
    last_y_ = y.back();
  }
  if (goes_on && (known == x.size() || newest > shown.high)) return columns;
  const double width = (shown.high - shown.low) / static_cast<double>(columns);
  const double column = goes_on ? std::floor((newest - shown.low) / width) : 0;
  if (!(column > 0)) {
    points_.clear();
    return 0;
  }
  const auto first = std::min(static_cast<std::size_t>(column), columns - 1);
  const double edge = shown.low + width * static_cast<double>(first);
  while (!points_.empty() && points_.back().x >= edge) points_.pop_back();
  return first;
}

/// Those of the points that lie in [from, to).
void GrowingView::append(const std::vector<engine::SeriesPoint>& points, double from, double to) {
  for (const auto& point : points) {
    if (point.x >= from && point.x < to) points_.push_back(point);
  }
}

const std::vector<engine::SeriesPoint>& GrowingView::lastOfColumns(std::span<const double> x,
                                                                   std::span<const double> y,
                                                                   const ValueRange& shown,
                                                                   std::size_t columns) {
  const std::size_t first = keep(x, y, shown, columns);
  if (first == columns) return points_;
  const double width = (shown.high - shown.low) / static_cast<double>(columns);
  const double edge = shown.low + width * static_cast<double>(first);
  append(one_per_column(x, y, edge, shown.high, columns - first), first == 0 ? -kInf : edge, kInf);
  return points_;
}

const std::vector<engine::SeriesPoint>& GrowingView::envelope(const engine::RunSeries& series,
                                                              const ValueRange& shown,
                                                              std::size_t columns) {
  const std::size_t first = keep(series.x(), series.y(), shown, columns);
  if (first == columns || series.size() == 0) return points_;
  const double width = (shown.high - shown.low) / static_cast<double>(columns);
  const auto edge = [&](std::size_t column) {
    return column == columns ? shown.high : shown.low + width * static_cast<double>(column);
  };
  const double begin = first == 0 ? -kInf : edge(first);
  const double newest =
      std::clamp((series.x().back() - shown.low) / width, 0.0, static_cast<double>(columns));
  const auto full = std::max(first, static_cast<std::size_t>(newest));
  const double middle = edge(full);
  // Columns that are full stay as they are; the newest one is a piece of its own.
  if (full > first) {
    const double end = full == columns ? middle : std::nextafter(middle, -kInf);
    append(series.envelope(edge(first), end, full - first), begin, full == columns ? kInf : middle);
  }
  if (full < columns) {
    append(series.envelope(middle, shown.high, 1), full == first ? begin : middle, kInf);
  }
  return points_;
}

}  // namespace widgets
