// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cross_entropy/cross_entropy.h"
#include "kernels/isa_dispatch.h"
#include "kernels/row_lanes.h"
#include "kernels/vector_exp.h"

#include <algorithm>
#include <cmath>

namespace kernels::cpu {
namespace {

constexpr int kLanes = kRowLanes;
/// Sums of this many terms per lane are closed in double: a vocabulary has 10^5 of them.
constexpr std::int64_t kTermsPerSum = 64;

PARADIGM_ALWAYS_INLINE float greatest_body(const float* row, std::int64_t count) {
  return greatest_in_row(row, count);
}

/// row = e^(row - greatest); returns the sum.
PARADIGM_ALWAYS_INLINE double exponentials_body(float* __restrict row, std::int64_t count,
                                                float greatest) {
  double sum = 0;
  std::int64_t i = 0;
  while (i < count) {
    const std::int64_t end = i + kLanes * kTermsPerSum < count ? i + kLanes * kTermsPerSum : count;
    float lanes[kLanes] = {};
    for (; i + kLanes <= end; i += kLanes) {
      for (int lane = 0; lane < kLanes; ++lane) {
        row[i + lane] = exp_of_negative(row[i + lane] - greatest);
        lanes[lane] += row[i + lane];
      }
    }
    for (int lane = 0; i < end; ++i, ++lane) {
      row[i] = exp_of_negative(row[i] - greatest);
      lanes[lane] += row[i];
    }
    for (int lane = 0; lane < kLanes; ++lane) sum += static_cast<double>(lanes[lane]);
  }
  return sum;
}

PARADIGM_ALWAYS_INLINE void multiply_body(float* __restrict row, std::int64_t count, float factor) {
  for (std::int64_t i = 0; i < count; ++i) row[i] *= factor;
}

PARADIGM_DISPATCH(float, greatest, (const float* row, std::int64_t count), (row, count))
PARADIGM_DISPATCH(double, exponentials, (float* row, std::int64_t count, float greatest),
                  (row, count, greatest))
PARADIGM_DISPATCH(void, multiply, (float* row, std::int64_t count, float factor),
                  (row, count, factor))

}  // namespace

float cross_entropy_row(float* logits, std::int64_t count, std::int64_t label, float scale) {
  const float label_logit = logits[label];
  const float top = greatest(logits, count);
  const double sum = exponentials(logits, count, top);
  if (scale != 0) {
    multiply(logits, count, static_cast<float>(static_cast<double>(scale) / sum));
    logits[label] -= scale;
  }
  return static_cast<float>(std::log(sum) +
                            (static_cast<double>(top) - static_cast<double>(label_logit)));
}

std::int64_t greatest_of_row(const float* logits, std::int64_t count) {
  const float top = greatest(logits, count);
  return std::max<std::int64_t>(0, std::find(logits, logits + count, top) - logits) % count;
}

}  // namespace kernels::cpu
