// SPDX-License-Identifier: GPL-3.0-or-later
// Reductions over a row, for loops under PARADIGM_DISPATCH.
#pragma once

#include "kernels/isa_dispatch.h"

#include <cstdint>

namespace kernels {

/// Maxima and sums run in this many fixed lanes whatever the vector width, so that every processor
/// takes the terms in the same order.
inline constexpr int kRowLanes = 32;

/// The greatest of a row of at least one; NaN only if the row begins with one.
PARADIGM_ALWAYS_INLINE float greatest_in_row(const float* __restrict row, std::int64_t count) {
  float lanes[kRowLanes];
  for (int lane = 0; lane < kRowLanes; ++lane) lanes[lane] = row[0];
  std::int64_t i = 0;
  for (; i + kRowLanes <= count; i += kRowLanes) {
    for (int lane = 0; lane < kRowLanes; ++lane)
      lanes[lane] = row[i + lane] > lanes[lane] ? row[i + lane] : lanes[lane];
  }
  for (int lane = 0; i < count; ++i, ++lane)
    lanes[lane] = row[i] > lanes[lane] ? row[i] : lanes[lane];
  float greatest = lanes[0];
  for (int lane = 1; lane < kRowLanes; ++lane)
    greatest = lanes[lane] > greatest ? lanes[lane] : greatest;
  return greatest;
}

}  // namespace kernels
