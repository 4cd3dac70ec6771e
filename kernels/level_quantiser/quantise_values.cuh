// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/device/elements.cuh"
#include "kernels/level_quantiser/level.h"

#include <cstdint>

namespace kernels::device {

/// The thread's share of y[i] = Q(x[i]) · factor in a grid-stride loop. `aligned`: x and y to eight
/// elements.
template <typename X, typename Y>
__device__ void quantise_values(const X* x, std::int64_t count, const FastLevelGrid& grid,
                                const LutFloor& floor, float factor, bool aligned, Y* y) {
  const auto quantised = [&](X value) {
    return from_float<Y>(floor.lift(grid.level(to_float(value), 0.0f)) * factor);
  };
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  const std::int64_t thread = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const std::int64_t eights = aligned ? count / 8 : 0;
  for (std::int64_t i = thread; i < eights; i += step) {
    const Eight<X> in = reinterpret_cast<const Eight<X>*>(x)[i];
    Eight<Y> out;
#pragma unroll
    for (int j = 0; j < 8; ++j) out.value[j] = quantised(in.value[j]);
    reinterpret_cast<Eight<Y>*>(y)[i] = out;
  }
  for (std::int64_t i = 8 * eights + thread; i < count; i += step) y[i] = quantised(x[i]);
}

}  // namespace kernels::device
