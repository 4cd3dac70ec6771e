// SPDX-License-Identifier: GPL-3.0-or-later
// What a handful of repeated measurements says.
#pragma once

#include <cstdint>
#include <vector>

namespace engine {

struct SampleStatistics {
  std::int64_t count = 0;
  double mean = 0;
  double deviation = 0;  ///< standard deviation with count - 1; NaN for fewer than two values
  double low = 0;  ///< 95 % interval of the mean by Student's t; NaN for fewer than two values
  double high = 0;
};

SampleStatistics statistics_of(const std::vector<double>& values);

/// The middle value, or the mean of the two in the middle; NaN of none.
double median_of(std::vector<double> values);

}  // namespace engine
