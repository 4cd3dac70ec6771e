// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/range_statistics/range_statistics.h"

#include <algorithm>
#include <cmath>

namespace kernels {

bool is_finite(const Range& range) { return std::isfinite(range.lo) && std::isfinite(range.hi); }

Range merge(const Range& a, const Range& b) {
  if (std::isnan(a.lo) || std::isnan(a.hi)) return a;
  if (std::isnan(b.lo) || std::isnan(b.hi)) return b;
  return {std::min(a.lo, b.lo), std::max(a.hi, b.hi)};
}

bool update_range(float* state, const Range& observed, float smooth) {
  if (!is_finite(observed)) return false;
  if (state[0] > state[1]) {
    state[0] = observed.lo;
    state[1] = observed.hi;
  } else {
    state[0] = smooth * state[0] + (1.0f - smooth) * observed.lo;
    state[1] = smooth * state[1] + (1.0f - smooth) * observed.hi;
  }
  return true;
}

Histogram::Histogram(const Range& extent) : extent_(extent), counts_(kBins, 0) {}

void Histogram::add(const float* x, std::int64_t count) {
  const double width = static_cast<double>(extent_.hi) - extent_.lo;
  const double scale = width > 0 ? kBins / width : 0.0;
  for (std::int64_t i = 0; i < count; ++i) {
    const double position = (static_cast<double>(x[i]) - extent_.lo) * scale;
    ++counts_[static_cast<std::size_t>(std::clamp(position, 0.0, static_cast<double>(kBins - 1)))];
  }
  total_ += count;
}

void Histogram::merge(const Histogram& other) {
  for (int bin = 0; bin < kBins; ++bin) counts_[bin] += other.counts_[bin];
  total_ += other.total_;
}

float Histogram::value_of_rank(std::int64_t rank) const {
  const double width = (static_cast<double>(extent_.hi) - extent_.lo) / kBins;
  std::int64_t before = 0;
  int bin = 0;
  while (bin < kBins - 1 && before + counts_[bin] <= rank) before += counts_[bin++];
  const double inside =
      (static_cast<double>(rank - before) + 0.5) / static_cast<double>(counts_[bin]);
  return static_cast<float>(extent_.lo + width * (bin + inside));
}

float Histogram::quantile(double q) const {
  if (total_ == 0) return std::numeric_limits<float>::quiet_NaN();
  const double position = q * static_cast<double>(total_ - 1);
  const auto below = static_cast<std::int64_t>(position);
  const double low = value_of_rank(below);
  const double high = value_of_rank(std::min(below + 1, total_ - 1));
  return static_cast<float>(low + (high - low) * (position - static_cast<double>(below)));
}

}  // namespace kernels
