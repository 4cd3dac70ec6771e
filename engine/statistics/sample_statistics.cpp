// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/statistics/sample_statistics.h"

#include "engine/statistics/line_fit.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace engine {
namespace {

constexpr double kConfidence = 0.95;
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

}  // namespace

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
  const Estimate mean = estimated_mean(result.mean, result.deviation, result.count, kConfidence);
  result.low = mean.low;
  result.high = mean.high;
  return result;
}

double median_of(std::vector<double> values) {
  if (values.empty()) return kUnknown;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 != 0 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace engine
