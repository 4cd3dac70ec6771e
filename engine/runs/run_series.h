// SPDX-License-Identifier: GPL-3.0-or-later
// A metric's curve: raw values kept, thinned views for the screen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace engine {

struct SeriesPoint {
  double x = 0;
  double y = 0;
};

/// Appended live, never thinned in memory. Raw values plus a min/max pyramid (x8 per level) so that
/// a view of any width costs a few points per pixel column and spikes survive.
class RunSeries {
 public:
  /// y may be non-finite. An x below the last one first rewinds to it (the last writer wins); a
  /// non-finite x is ignored.
  void append(double x, double y);
  void rewind_to(double x);  ///< drops points with a larger x
  void clear();

  std::size_t size() const { return x_.size(); }
  std::span<const double> x() const { return x_; }
  std::span<const double> y() const { return y_; }

  /// At most 2 * columns + 2 finite points covering [from, to]: minimum and maximum of each column,
  /// in order of x, and the nearest point outside each end, so that a line drawn through them
  /// reaches both edges.
  std::vector<SeriesPoint> envelope(double from, double to, std::size_t columns) const;
  /// Where y is not finite: x and the last finite y before it (else the first one after it, else
  /// 0).
  std::vector<SeriesPoint> non_finite() const;

 private:
  struct Bucket {
    double minimum;
    double maximum;
    std::uint32_t minimum_at;
    std::uint32_t maximum_at;
  };
  std::vector<double> x_;
  std::vector<double> y_;
  void refresh(std::size_t index);
  void take(Bucket& total, std::size_t index) const;
  Bucket extremes(std::size_t begin, std::size_t end) const;

  std::vector<std::vector<Bucket>> levels_;   ///< levels_[k] covers 8^(k+1) values a bucket
  std::vector<std::uint32_t> non_finite_at_;  ///< ascending
};

/// Exponential moving average with a half-life in x units (steps), debiased, non-finite values
/// skipped; the same at every zoom and length. One value per point of the series (NaN before the
/// first finite one).
std::vector<double> smoothed(const RunSeries& series, double half_life);

/// Incremental form of `smoothed`, for live curves.
class Smoother {
 public:
  explicit Smoother(double half_life) : half_life_(half_life) {}
  double next(double x, double y);

 private:
  double half_life_;
  double value_ = 0;
  double weight_ = 0;
  double last_x_ = 0;
  double gap_ = 0;  ///< distance in x that `decay_` is for: most curves have but one
  double decay_ = 1;
  bool started_ = false;
};

}  // namespace engine
