// SPDX-License-Identifier: GPL-3.0-or-later
// Which stretch of its curves a CurvePlot shows: all of them as they grow, or what the user chose.
#include "widgets/plots/curve_plot_line.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace widgets {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr int kOneGesture = 400;  // ms between movements of one drag or turn of the wheel

}  // namespace

void CurvePlot::setXRange(double low, double high) {
  if (low == plot_->xAxis->range().lower && high == plot_->xAxis->range().upper) return;
  plot_->xAxis->setRange(low, high);
}

void CurvePlot::setFollowing(bool following) {
  if (following) ranges_known_ = false;
  if (following == following_) return;
  following_ = following;
  Q_EMIT followingChanged(following);
  if (following) redraw();
}

void CurvePlot::userMoved() {
  if (!restoring_ && (!moved_.isValid() || moved_.elapsed() > kOneGesture)) {
    constexpr std::size_t kMostViews = 50;
    views_.push_back({view_.x, view_.y, following_});
    if (views_.size() > kMostViews) views_.erase(views_.begin());
  }
  if (!restoring_) moved_.start();
  const QCPRange x = plot_->xAxis->range();
  const QCPRange y = plot_->yAxis->range();
  view_ = {{x.lower, x.upper}, {y.lower, y.upper}, false};
  setFollowing(false);
  redraw();
}

void CurvePlot::showPreviousView() {
  if (views_.empty()) return;
  const View before = views_.back();
  views_.pop_back();
  restoring_ = true;
  if (before.following) {
    showAll();
  } else {
    plot_->xAxis->setRange(before.x.low, before.x.high);
    plot_->yAxis->setRange(before.y.low, before.y.high);
  }
  restoring_ = false;
  redraw();
}

void CurvePlot::bringIntoView(double x) {
  const QCPRange range = plot_->xAxis->range();
  if (range.contains(x)) return;
  if (logarithmic_x_) {
    plot_->xAxis->setRange(std::min(range.lower, x), std::max(range.upper, x));
  } else {
    plot_->xAxis->setRange(x - range.size() / 2, x + range.size() / 2);
  }
}

void CurvePlot::showAll() {
  ranges_known_ = false;
  following_ = false;
  setFollowing(true);
}

/// Percentiles of thousands of values do not move with every one: they are found again when a new
/// one lies outside, and when there are a few more.
ValueRange CurvePlot::rangeOf(Line& line) const {
  const bool is_raw = shows_raw_ || line.curve.sparse || line.curve.exact;
  const auto y = is_raw ? line.curve.series->y() : std::span<const double>(line.smooth);
  constexpr std::size_t kMore = 64;  // one new value in so many
  bool is_known =
      line.ranged > 0 && line.ranged <= y.size() && y.size() - line.ranged <= line.ranged / kMore;
  for (std::size_t i = line.within; is_known && i < y.size(); ++i) {
    is_known = !std::isfinite(y[i]) || (y[i] >= line.range.low && y[i] <= line.range.high);
  }
  if (!is_known) {
    line.range = robust_range(y);
    line.ranged = y.size();
  }
  line.within = y.size();
  return line.range;
}

void CurvePlot::fitRanges() {
  bool any = false;
  double first = logarithmic_x_ ? kInf : 0;
  double last = -kInf;
  ValueRange wanted{kInf, -kInf};
  for (const auto& line : lines_) {
    if (line->curve.series == nullptr || line->curve.series->size() == 0) continue;
    const auto y = line->curve.series->y();
    if (std::none_of(y.begin(), y.end(), [](double value) { return std::isfinite(value); })) {
      continue;
    }
    const ValueRange range = rangeOf(*line);
    wanted.low = std::min(wanted.low, range.low);
    wanted.high = std::max(wanted.high, range.high);
    const auto x = line->curve.series->x();
    if (logarithmic_x_) {
      const auto positive = std::upper_bound(x.begin(), x.end(), 0.0);
      if (positive != x.end()) first = std::min(first, *positive);
    } else {
      first = std::min(first, x.front());
    }
    last = std::max(last, x.back());
    any = true;
  }
  if (!std::isfinite(first)) first = 1;
  plot_->yAxis->setTickLabels(any);  // of nothing there is no scale
  setting_ranges_ = true;
  if (!any) {
    plot_->xAxis->setRange(logarithmic_x_ ? 1 : 0, expected_end_ > 0 ? expected_end_ : 100);
    plot_->yAxis->setRange(logarithmic_ ? 0.1 : 0, 1);
    ranges_known_ = false;
  } else {
    double end = plot_->xAxis->range().upper;
    if (!ranges_known_ || last > end || last < end / 3) {
      end = last * 1.25;
      if (expected_end_ >= last) end = std::min(end, expected_end_ * 1.02);
      if (end <= first) end = first + 1;
    }
    plot_->xAxis->setRange(first, end);
    y_range_ = ranges_known_ ? settle(y_range_, wanted) : wanted;
    if (logarithmic_ && y_range_.low <= 0) y_range_.low = smallestPositive() * 0.9;
    plot_->yAxis->setRange(y_range_.low, y_range_.high);
    ranges_known_ = true;
  }
  setting_ranges_ = false;
}

double CurvePlot::smallestPositive() const {
  double smallest = y_range_.high;
  for (const auto& line : lines_) {
    if (line->curve.series == nullptr) continue;
    for (const double value : line->curve.series->y()) {
      if (value > 0 && std::isfinite(value)) smallest = std::min(smallest, value);
    }
  }
  return smallest > 0 ? smallest : 1;
}

int CurvePlot::notPositive() const {
  int count = 0;
  for (const auto& line : lines_) {
    if (line->curve.series == nullptr) continue;
    const auto y = line->curve.series->y();
    count += static_cast<int>(
        std::count_if(y.begin(), y.end(), [](double value) { return value <= 0; }));
  }
  return count;
}

}  // namespace widgets
