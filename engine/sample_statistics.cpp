// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/sample_statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>

namespace engine {
namespace {

constexpr double kConfidence = 0.95;
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

}  // namespace

// The finite sums of Abramowitz and Stegun, 26.7.3 (odd) and 26.7.4 (even), with
// theta = atan(t / sqrt(degrees)).
double student_t_within(double t, std::int64_t degrees) {
  const double theta = std::atan(t / std::sqrt(static_cast<double>(degrees)));
  const double sine = std::sin(theta);
  const double cosine = std::cos(theta);
  const bool is_odd = degrees % 2 != 0;
  double sum = 0;
  double term = is_odd ? cosine : 1;
  for (std::int64_t power = is_odd ? 1 : 0; power <= degrees - 2; power += 2) {
    sum += term;
    term *= cosine * cosine * static_cast<double>(power + 1) / static_cast<double>(power + 2);
  }
  return is_odd ? 2 / std::numbers::pi * (theta + sine * sum) : sine * sum;
}

double student_t_bound(double probability, std::int64_t degrees) {
  double low = 0;
  double high = 1;
  while (student_t_within(high, degrees) < probability) high *= 2;
  for (int halving = 0; halving < 100; ++halving) {
    const double middle = (low + high) / 2;
    (student_t_within(middle, degrees) < probability ? low : high) = middle;
  }
  return (low + high) / 2;
}

SampleStatistics statistics_of(const std::vector<double>& values) {
  SampleStatistics result;
  result.count = static_cast<std::int64_t>(values.size());
  result.mean = result.deviation = result.low = result.high = kUnknown;
  if (values.empty()) return result;
  const double count = static_cast<double>(values.size());
  double sum = 0;
  for (const double value : values) sum += value;
  result.mean = sum / count;
  if (values.size() < 2) return result;
  double squares = 0;
  for (const double value : values) squares += (value - result.mean) * (value - result.mean);
  result.deviation = std::sqrt(squares / (count - 1));
  const double half =
      student_t_bound(kConfidence, result.count - 1) * result.deviation / std::sqrt(count);
  result.low = result.mean - half;
  result.high = result.mean + half;
  return result;
}

double median_of(std::vector<double> values) {
  if (values.empty()) return kUnknown;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 != 0 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace engine
