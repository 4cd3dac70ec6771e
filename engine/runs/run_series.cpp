// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/run_series.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace engine {
namespace {

constexpr std::size_t kFan = 8;
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

template <typename Bucket>
void join(Bucket& total, const Bucket& bucket) {
  if (bucket.minimum < total.minimum) {
    total.minimum = bucket.minimum;
    total.minimum_at = bucket.minimum_at;
  }
  if (bucket.maximum > total.maximum) {
    total.maximum = bucket.maximum;
    total.maximum_at = bucket.maximum_at;
  }
}

}  // namespace

void RunSeries::take(Bucket& total, std::size_t index) const {
  const double value = y_[index];
  if (!std::isfinite(value)) return;
  if (value < total.minimum) {
    total.minimum = value;
    total.minimum_at = std::uint32_t(index);
  }
  if (value > total.maximum) {
    total.maximum = value;
    total.maximum_at = std::uint32_t(index);
  }
}

/// Only whole buckets are kept, and none is touched again: a value costs little more than its place
/// in the list, however long the run.
void RunSeries::refresh(std::size_t size) {
  std::size_t width = kFan;
  for (std::size_t level = 0; size % width == 0; ++level, width *= kFan) {
    Bucket total{kInf, -kInf, 0, 0};
    for (std::size_t i = 0; i < kFan; ++i) {
      if (level == 0) {
        take(total, size - kFan + i);
      } else {
        const auto& below = levels_[level - 1];
        join(total, below[below.size() - kFan + i]);
      }
    }
    if (levels_.size() <= level) levels_.emplace_back();
    levels_[level].push_back(total);
  }
}

void RunSeries::append(double x, double y) {
  if (!std::isfinite(x)) return;
  if (!x_.empty() && x < x_.back()) rewind_to(x);
  if (!std::isfinite(y)) non_finite_at_.push_back(std::uint32_t(x_.size()));
  x_.push_back(x);
  y_.push_back(y);
  refresh(x_.size());
}

void RunSeries::rewind_to(double x) {
  const auto end = std::upper_bound(x_.begin(), x_.end(), x);
  if (end == x_.end()) return;
  const std::size_t size = std::size_t(end - x_.begin());
  x_.resize(size);
  y_.resize(size);
  while (!non_finite_at_.empty() && non_finite_at_.back() >= size) non_finite_at_.pop_back();
  std::size_t width = kFan;
  for (auto& buckets : levels_) {
    buckets.resize(std::min(buckets.size(), size / width));
    width *= kFan;
  }
}

void RunSeries::clear() {
  x_.clear();
  y_.clear();
  levels_.clear();
  non_finite_at_.clear();
}

RunSeries::Bucket RunSeries::extremes(std::size_t begin, std::size_t end) const {
  Bucket total{kInf, -kInf, 0, 0};
  while (begin < end) {
    std::size_t width = 1;
    std::size_t level = 0;
    while (level < levels_.size() && begin % (width * kFan) == 0 && begin + width * kFan <= end) {
      width *= kFan;
      ++level;
    }
    if (level == 0) {
      take(total, begin);
    } else {
      join(total, levels_[level - 1][begin / width]);
    }
    begin += width;
  }
  return total;
}

std::vector<SeriesPoint> RunSeries::envelope(double from, double to, std::size_t columns) const {
  std::vector<SeriesPoint> points;
  if (x_.empty() || columns == 0 || !(from <= to)) return points;
  from = std::max(from, x_.front());
  to = std::min(to, x_.back());
  const auto index_of = [&](auto it) { return std::size_t(it - x_.begin()); };
  const std::size_t begin = index_of(std::lower_bound(x_.begin(), x_.end(), from));
  const std::size_t end = index_of(std::upper_bound(x_.begin(), x_.end(), to));
  const auto add = [&](std::size_t i) { points.push_back({x_[i], y_[i]}); };

  for (std::size_t i = std::min(begin, x_.size()); i-- > 0;) {
    if (!std::isfinite(y_[i])) continue;
    add(i);
    break;
  }
  if (end > begin && end - begin <= 2 * columns) {
    for (std::size_t i = begin; i < end; ++i) {
      if (std::isfinite(y_[i])) add(i);
    }
  } else if (end > begin) {
    const double width = (to - from) / double(columns);
    std::size_t first = begin;
    for (std::size_t column = 0; column < columns && first < end; ++column) {
      const bool is_last = column + 1 == columns;
      const double edge = from + width * double(column + 1);
      const std::size_t next =
          is_last ? end
                  : index_of(std::lower_bound(x_.begin() + std::ptrdiff_t(first),
                                              x_.begin() + std::ptrdiff_t(end), edge));
      const Bucket bucket = extremes(first, next);
      first = next;
      if (bucket.minimum > bucket.maximum) continue;
      const auto [left, right] = std::minmax(bucket.minimum_at, bucket.maximum_at);
      add(left);
      if (right != left) add(right);
    }
  }
  for (std::size_t i = std::max(begin, end); i < x_.size(); ++i) {
    if (!std::isfinite(y_[i])) continue;
    add(i);
    break;
  }
  return points;
}

std::vector<SeriesPoint> RunSeries::non_finite() const {
  std::vector<SeriesPoint> points;
  points.reserve(non_finite_at_.size());
  double before = kNaN;
  std::size_t looked_at = 0;
  for (const std::size_t i : non_finite_at_) {
    for (std::size_t j = i; j-- > looked_at;) {
      if (!std::isfinite(y_[j])) continue;
      before = y_[j];
      break;
    }
    looked_at = i;
    points.push_back({x_[i], before});
  }
  const auto is_finite = [](double y) { return std::isfinite(y); };
  const auto first = std::find_if(y_.begin(), y_.end(), is_finite);
  for (SeriesPoint& point : points) {
    if (std::isnan(point.y)) point.y = first != y_.end() ? *first : 0;
  }
  return points;
}

double Smoother::next(double x, double y) {
  if (!std::isfinite(y)) return started_ ? value_ : kNaN;
  const double gap = std::max(0.0, x - last_x_);
  if (gap != gap_ || half_life_ <= 0) {
    gap_ = gap;
    decay_ = half_life_ > 0 ? std::exp2(-gap / half_life_) : 0.0;
  }
  // The weighted mean so far moves towards y: exact for a constant, and free of the start's bias.
  weight_ = (started_ ? weight_ * decay_ : 0.0) + 1.0;
  value_ = started_ ? value_ + (y - value_) / weight_ : y;
  last_x_ = x;
  started_ = true;
  return value_;
}

std::vector<double> smoothed(const RunSeries& series, double half_life) {
  Smoother smoother(half_life);
  std::vector<double> values;
  values.reserve(series.size());
  for (std::size_t i = 0; i < series.size(); ++i) {
    values.push_back(smoother.next(series.x()[i], series.y()[i]));
  }
  return values;
}

}  // namespace engine
