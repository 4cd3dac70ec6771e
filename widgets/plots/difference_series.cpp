// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/difference_series.h"

#include <algorithm>
#include <cmath>

namespace widgets {
namespace {

/// A noisy line says no more with more points, and filling a jagged band costs Qt 50 ms.
constexpr std::size_t kStretches = 150;

/// Means over stretches of neighbouring steps.
void take_stretches(DifferenceSeries& series) {
  const std::size_t count = series.at.size();
  const std::size_t size = (count + kStretches - 1) / kStretches;
  for (std::size_t begin = 0; begin < count; begin += size) {
    const std::size_t end = std::min(begin + size, count);
    double value = 0, half = 0;
    for (std::size_t i = begin; i < end; ++i) {
      value += series.value[i];
      half += series.half[i];
    }
    const double length = static_cast<double>(end - begin);
    series.x.push_back(series.at[end - 1]);
    series.main.push_back(value / length);
    series.low.push_back((value - half) / length);
    series.high.push_back((value + half) / length);
  }
}

}  // namespace

DifferenceSeries difference_series(const engine::CurveDifference& difference, bool with_raw) {
  DifferenceSeries series;
  series.gaps = difference.gaps;
  series.band = difference.band;
  series.leaves_at = difference.leaves_band_at;
  series.at.reserve(difference.points.size());
  series.value.reserve(difference.points.size());
  for (const engine::DifferencePoint& point : difference.points) {
    series.at.push_back(point.x);
    series.value.push_back(point.value());
    if (with_raw) series.raw.append(point.x, point.value());
  }
  if (difference.smoothed.empty()) {
    series.x = series.at;
    series.main = series.value;
  } else {
    series.main = difference.smoothed;
    series.x.assign(series.at.end() - static_cast<std::ptrdiff_t>(series.main.size()),
                    series.at.end());
  }
  if (!series.main.empty()) series.range = robust_range(series.main);
  if (std::isfinite(series.band)) {
    series.range.low = std::min(series.range.low, -series.band);
    series.range.high = std::max(series.range.high, series.band);
  }
  return series;
}

DifferenceSeries difference_series(const engine::GroupDelta& delta, double zero) {
  DifferenceSeries series;
  series.value = delta.difference;
  series.half = delta.half;
  series.at.reserve(delta.step.size());
  for (const double step : delta.step) series.at.push_back(step - zero);
  if (delta.apart_from) series.leaves_at = *delta.apart_from - zero;
  take_stretches(series);
  if (series.main.empty()) return series;
  series.range = {robust_range(series.low).low, robust_range(series.high).high};
  return series;
}

}  // namespace widgets
