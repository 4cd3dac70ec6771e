// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/device/elements.cuh"
#include "kernels/level_quantiser/level.h"

#include <cstdint>

namespace kernels::device {

/// The share of y[i] = Q(x[i]) · factor that thread `thread` of `threads` makes. `aligned`: x and y
/// to eight elements.
template <typename X, typename Y>
__device__ void quantise_share(const X* x, std::int64_t count, const FastLevelGrid& grid,
                               const LutFloor& floor, float factor, bool aligned,
                               std::int64_t thread, std::int64_t threads, Y* y) {
  const auto quantised = [&](X value) {
    return from_float<Y>(floor.lift(grid.level(to_float(value), 0.0f)) * factor);
  };
  const std::int64_t eights = aligned ? count / 8 : 0;
  for (std::int64_t i = thread; i < eights; i += threads) {
    const Eight<X> in = reinterpret_cast<const Eight<X>*>(x)[i];
    Eight<Y> out;
#pragma unroll
    for (int j = 0; j < 8; ++j) out.value[j] = quantised(in.value[j]);
    reinterpret_cast<Eight<Y>*>(y)[i] = out;
  }
  for (std::int64_t i = 8 * eights + thread; i < count; i += threads) y[i] = quantised(x[i]);
}

/// The thread's share of the grid.
template <typename X, typename Y>
__device__ void quantise_values(const X* x, std::int64_t count, const FastLevelGrid& grid,
                                const LutFloor& floor, float factor, bool aligned, Y* y) {
  quantise_share(x, count, grid, floor, factor, aligned,
                 std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x,
                 std::int64_t{gridDim.x} * blockDim.x, y);
}

}  // namespace kernels::device
