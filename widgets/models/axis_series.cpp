// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/axis_series.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace widgets {
namespace {

bool same(double one, double other) {
  return one == other || (std::isnan(one) && std::isnan(other));
}

}  // namespace

double value_at_or_before(const engine::RunSeries& series, double x) {
  const auto xs = series.x();
  const auto after = std::upper_bound(xs.begin(), xs.end(), x) - xs.begin();
  if (after == 0) return std::numeric_limits<double>::quiet_NaN();
  return series.y()[static_cast<std::size_t>(after) - 1];
}

const engine::RunSeries& AxisSeries::follow(const engine::RunSeries& source,
                                            const engine::RunSeries& positions) {
  const auto steps = source.x();
  const auto values = source.y();
  const auto place_of = [&positions](double step) {
    const double place = value_at_or_before(positions, step);
    return std::isfinite(place) ? place : 0.0;
  };
  const std::size_t done = series_.size();
  const bool continues = done == 0 || (done <= steps.size() && steps[done - 1] == last_step_ &&
                                       same(values[done - 1], series_.y()[done - 1]) &&
                                       place_of(last_step_) == series_.x()[done - 1]);
  if (!continues) series_.clear();
  for (std::size_t i = series_.size(); i < steps.size(); ++i) {
    const double before = i == 0 ? 0.0 : series_.x()[i - 1];
    series_.append(std::max(before, place_of(steps[i])), values[i]);
    last_step_ = steps[i];
  }
  return series_;
}

}  // namespace widgets
