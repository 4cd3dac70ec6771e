// SPDX-License-Identifier: GPL-3.0-or-later
// One number out of a block's kThreads, handed to every thread. Always in the same order, so sums
// are reproducible.
#pragma once

#include "kernels/device/launch.cuh"

namespace kernels::device {

/// `combine` must be commutative and associative up to rounding. Every thread of the block calls
/// it.
template <typename Combine>
__device__ float block_reduce(float value, const Combine& combine) {
  constexpr int kWarps = kThreads / 32;
  __shared__ float of_warp[kWarps];
  for (int distance = 16; distance > 0; distance /= 2) {
    value = combine(value, __shfl_xor_sync(0xFFFFFFFFu, value, distance));
  }
  __syncthreads();  // the last reduction's readers are done
  if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = value;
  __syncthreads();
  float result = of_warp[0];
  for (int warp = 1; warp < kWarps; ++warp) result = combine(result, of_warp[warp]);
  return result;
}

__device__ inline float block_sum(float value) {
  return block_reduce(value, [](float a, float b) { return a + b; });
}

/// NaN is passed over.
__device__ inline float block_max(float value) {
  return block_reduce(value, [](float a, float b) { return fmaxf(a, b); });
}

}  // namespace kernels::device
