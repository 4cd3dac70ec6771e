// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/isa_dispatch.h"
#include "kernels/range_statistics/range_statistics.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace kernels::cpu {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr int kLanes = 32;  // independent minima, so that the loop has no chain of dependences

PARADIGM_ALWAYS_INLINE Range min_max_body(const float* x, std::int64_t count) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  float low[kLanes];
  float high[kLanes];
  int unordered[kLanes];
  for (int lane = 0; lane < kLanes; ++lane) {
    low[lane] = infinity;
    high[lane] = -infinity;
    unordered[lane] = 0;
  }
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) {
      const float value = x[i + lane];
      low[lane] = value < low[lane] ? value : low[lane];
      high[lane] = value > high[lane] ? value : high[lane];
      unordered[lane] |= value != value ? 1 : 0;
    }
  }
  for (int lane = 0; i < count; ++i, ++lane) {
    low[lane] = x[i] < low[lane] ? x[i] : low[lane];
    high[lane] = x[i] > high[lane] ? x[i] : high[lane];
    unordered[lane] |= x[i] != x[i] ? 1 : 0;
  }
  Range range;
  int any_unordered = 0;
  for (int lane = 0; lane < kLanes; ++lane) {
    range.lo = low[lane] < range.lo ? low[lane] : range.lo;
    range.hi = high[lane] > range.hi ? high[lane] : range.hi;
    any_unordered |= unordered[lane];
  }
  return any_unordered != 0 ? Range{kNaN, kNaN} : Range{range.lo + 0.0f, range.hi + 0.0f};
}

// The value at `position` of the sorted order. Everything before `begin` is already known to be
// smaller; `boundary` becomes the next call's `begin`.
float selected(std::vector<float>& values, std::size_t begin, double position,
               std::size_t& boundary) {
  const auto below = static_cast<std::size_t>(position);
  std::nth_element(values.begin() + begin, values.begin() + below, values.end());
  boundary = below;
  const float low = values[below];
  const double fraction = position - static_cast<double>(below);
  if (fraction == 0 || below + 1 == values.size()) return low;
  const float high = *std::min_element(values.begin() + below + 1, values.end());
  return static_cast<float>(low + (static_cast<double>(high) - low) * fraction);
}

}  // namespace

PARADIGM_DISPATCH(Range, min_max, (const float* x, std::int64_t count), (x, count))

Range quantiles(const float* x, std::int64_t count, double q, double r) {
  if (count == 0) return {};
  if (std::isnan(min_max(x, count).lo)) return {kNaN, kNaN};
  std::vector<float> values(x, x + count);
  const double last = static_cast<double>(count - 1);
  std::size_t boundary = 0;
  const float low = selected(values, 0, q * last, boundary);
  const float high = selected(values, boundary, r * last, boundary);
  return {low, high};
}

}  // namespace kernels::cpu
