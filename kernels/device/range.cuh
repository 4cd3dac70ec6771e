// SPDX-License-Identifier: GPL-3.0-or-later
// Minimum and maximum over a grid, independent of order and therefore deterministic: floats as
// integers whose order is that of the floats, folded with atomicMin and atomicMax.
#pragma once

#include "kernels/device/elements.cuh"
#include "kernels/range_statistics/range_statistics.h"

#include <cstdint>
#include <limits>

namespace kernels::device {

/// Order-preserving code of a float; NaN is handled apart.
__device__ inline int ordered(float x) {
  const int bits = __float_as_int(x + 0.0f);  // -0 becomes +0
  return bits >= 0 ? bits : bits ^ 0x7FFFFFFF;
}
__device__ inline float from_ordered(int code) {
  return __int_as_float(code >= 0 ? code : code ^ 0x7FFFFFFF);
}

/// a < b ? a : b and the like in one instruction; NaN wins.
__device__ inline float least(float a, float b) {
  float result;
  asm("min.NaN.f32 %0, %1, %2;" : "=f"(result) : "f"(a), "f"(b));
  return result;
}
__device__ inline float greatest(float a, float b) {
  float result;
  asm("max.NaN.f32 %0, %1, %2;" : "=f"(result) : "f"(a), "f"(b));
  return result;
}

/// A range in the making: {least, greatest, any NaN}. Starts as {INT_MAX, INT_MIN, 0}.
struct RangeAccumulator {
  int least = 0x7FFFFFFF;
  int greatest = static_cast<int>(0x80000000);
  int any_nan = 0;

  __device__ void add(float x) {
    if (x != x) {
      any_nan = 1;
      return;
    }
    const int code = ordered(x);
    least = min(least, code);
    greatest = max(greatest, code);
  }

  /// Folds the block's accumulators into `out` (three integers). Every thread of the block calls
  /// it; one of them goes to memory, since many at one address wait for each other.
  __device__ void fold_into(int* out) const {
    __shared__ int of_warps[32][3];
    const unsigned warps = (blockDim.x + 31) / 32;
    RangeAccumulator range = of_warp();
    __syncthreads();  // a fold before this one is done with the memory
    if (threadIdx.x % 32 == 0) {
      int* const place = of_warps[threadIdx.x / 32];
      place[0] = range.least;
      place[1] = range.greatest;
      place[2] = range.any_nan;
    }
    __syncthreads();
    if (threadIdx.x >= 32) return;
    RangeAccumulator other;
    if (threadIdx.x < warps) {
      const int* const place = of_warps[threadIdx.x];
      other.least = place[0];
      other.greatest = place[1];
      other.any_nan = place[2];
    }
    range = other.of_warp();
    if (threadIdx.x != 0) return;
    // Bounds only widen, so an old value read here errs on the safe side.
    const volatile int* seen = out;
    if (range.least < seen[0]) atomicMin(out, range.least);
    if (range.greatest > seen[1]) atomicMax(out + 1, range.greatest);
    if (range.any_nan != 0) atomicOr(out + 2, 1);
  }

 private:
  __device__ RangeAccumulator of_warp() const {
    RangeAccumulator range;
    range.least = __reduce_min_sync(0xFFFFFFFFu, least);
    range.greatest = __reduce_max_sync(0xFFFFFFFFu, greatest);
    range.any_nan = __any_sync(0xFFFFFFFFu, any_nan);
    return range;
  }
};

/// The range of a thread's own values, in floats: two instructions for each.
struct ThreadRange {
  float lo = std::numeric_limits<float>::infinity();
  float hi = -std::numeric_limits<float>::infinity();

  __device__ void add(float x) {
    lo = least(lo, x);
    hi = greatest(hi, x);
  }

  /// In a tree, of which less waits for less.
  __device__ void add(const float (&x)[4]) {
    lo = least(lo, least(least(x[0], x[1]), least(x[2], x[3])));
    hi = greatest(hi, greatest(greatest(x[0], x[1]), greatest(x[2], x[3])));
  }

  __device__ RangeAccumulator accumulated() const {
    RangeAccumulator range;
    if (lo <= hi || lo != lo) {
      range.add(lo);
      range.add(hi);
    }
    return range;
  }
};

/// How many of a thread's values lie outside a range; NaN is neither in nor out.
class OutsideCount {
 public:
  __device__ explicit OutsideCount(const float* range) : lo_(range[0]), hi_(range[1]) {}

  __device__ void add(float x) { count_ += x < lo_ || x > hi_ ? 1 : 0; }
  __device__ unsigned count() const { return count_; }
  /// Adds the warp's counts to `total`. Every thread of the warp calls it.
  __device__ void fold_into(unsigned long long* total) const {
    const unsigned sum = __reduce_add_sync(0xFFFFFFFFu, count_);
    if (threadIdx.x % 32 == 0 && sum > 0) atomicAdd(total, static_cast<unsigned long long>(sum));
  }

 private:
  float lo_, hi_;
  unsigned count_ = 0;
};

/// The range of what thread `thread` of `threads` sees of x [count]. `aligned`: to 16 bytes.
template <typename T>
__device__ RangeAccumulator range_of_share(const T* x, std::int64_t count, bool aligned,
                                           std::int64_t thread, std::int64_t threads) {
  ThreadRange range;
  const std::int64_t eights = aligned ? count / 8 : 0;
  const auto* packed = reinterpret_cast<const Eight<T>*>(x);
#pragma unroll 4
  for (std::int64_t i = thread; i < eights; i += threads) {
    const Eight<T> eight = packed[i];
#pragma unroll
    for (int j = 0; j < 8; ++j) range.add(to_float(eight.value[j]));
  }
  for (std::int64_t i = 8 * eights + thread; i < count; i += threads) {
    range.add(to_float(x[i]));
  }
  return range.accumulated();
}

/// The same of the thread's share of the grid.
template <typename T>
__device__ RangeAccumulator range_of(const T* x, std::int64_t count, bool aligned) {
  return range_of_share(x, count, aligned, std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x,
                        std::int64_t{gridDim.x} * blockDim.x);
}

/// {least, greatest, any NaN} of no value.
__device__ inline void store_nothing(int* observed) {
  const RangeAccumulator nothing;
  observed[0] = nothing.least;
  observed[1] = nothing.greatest;
  observed[2] = nothing.any_nan;
}

/// What was folded into `observed`.
__device__ inline Range decoded(const volatile int* observed) {
  const RangeAccumulator nothing;
  Range range;
  if (observed[2] != 0) {
    range.lo = range.hi = __int_as_float(0x7FC00000);
  } else if (observed[0] != nothing.least || observed[1] != nothing.greatest) {
    range.lo = from_ordered(observed[0]);
    range.hi = from_ordered(observed[1]);
  }
  return range;
}

__device__ inline bool finite(const Range& range) {
  return isfinite(range.lo) && isfinite(range.hi);
}

/// kernels::update_range.
__device__ inline bool update(const Range& observed, float smooth, float* state) {
  if (!finite(observed)) return false;
  if (state[0] > state[1]) {
    state[0] = observed.lo;
    state[1] = observed.hi;
  } else {
    state[0] = smooth * state[0] + (1.0f - smooth) * observed.lo;
    state[1] = smooth * state[1] + (1.0f - smooth) * observed.hi;
  }
  return true;
}

/// Uses and updates a running range whose values were `observed`; one thread.
__device__ inline void take(const Range& observed, const cuda::RunningRange& range) {
  const auto use = [&] {
    range.used[0] = range.state[0];
    range.used[1] = range.state[1];
  };
  if (!range.uses_new) use();
  if (!update(observed, range.smooth, range.state)) atomicAdd(range.rejected, 1);
  if (range.uses_new) use();
}

/// What the last block to come by does with a running range; one thread.
__device__ inline void finish(const cuda::RunningRange& range) {
  take(decoded(range.scratch), range);
  store_nothing(range.scratch);
}

/// Counts the block in at scratch[3]; true in the last of `blocks`, for which all that the others
/// wrote is there. One thread of each block, behind a barrier of its block.
__device__ inline bool comes_last(int* scratch, unsigned blocks) {
  __threadfence();
  if (static_cast<unsigned>(atomicAdd(scratch + 3, 1)) + 1 != blocks) return false;
  __threadfence();
  scratch[3] = 0;
  return true;
}

__device__ inline unsigned blocks_of_grid() { return gridDim.x * gridDim.y * gridDim.z; }

/// Every thread of `blocks` calls it once, with what it saw. When the last block comes by, all
/// others have read the state for the last time: it makes the update and clears the scratch.
__device__ inline void fold_and_update(const RangeAccumulator& seen,
                                       const cuda::RunningRange& range,
                                       unsigned blocks = blocks_of_grid()) {
  seen.fold_into(range.scratch);
  __syncthreads();
  if (threadIdx.x == 0 && comes_last(range.scratch, blocks)) finish(range);
}

}  // namespace kernels::device
