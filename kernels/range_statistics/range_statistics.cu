// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/device/elements.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/device/range.cuh"
#include "kernels/range_statistics/range_statistics.h"

namespace kernels::cuda {
namespace {

__global__ void clear_kernel(int* observed) {
  const device::RangeAccumulator nothing;
  observed[0] = nothing.least;
  observed[1] = nothing.greatest;
  observed[2] = nothing.any_nan;
}

template <typename T>
__global__ void observe_kernel(const T* x, std::int64_t count, bool aligned, int* observed) {
  device::RangeAccumulator range;
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  const std::int64_t thread = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const std::int64_t fours = aligned ? count / 4 : 0;
  const auto* packed = reinterpret_cast<const device::Four<T>*>(x);
  for (std::int64_t i = thread; i < fours; i += step) {
    const device::Four<T> four = packed[i];
    for (int j = 0; j < 4; ++j) range.add(device::to_float(four.value[j]));
  }
  for (std::int64_t i = 4 * fours + thread; i < count; i += step) range.add(device::to_float(x[i]));
  range.fold_into(observed);
}

__device__ Range decoded(const int* observed) {
  Range range;
  if (observed[2] != 0) {
    range.lo = range.hi = __int_as_float(0x7FC00000);
  } else if (observed[0] != 0x7FFFFFFF || observed[1] != static_cast<int>(0x80000000)) {
    range.lo = device::from_ordered(observed[0]);
    range.hi = device::from_ordered(observed[1]);
  }
  return range;
}

__global__ void store_range_kernel(const int* observed, float* out) {
  const Range range = decoded(observed);
  out[0] = range.lo;
  out[1] = range.hi;
}

__global__ void update_range_kernel(float* state, const int* observed, float smooth,
                                    int* rejected) {
  const Range range = decoded(observed);
  if (!isfinite(range.lo) || !isfinite(range.hi)) {
    ++*rejected;
  } else if (state[0] > state[1]) {
    state[0] = range.lo;
    state[1] = range.hi;
  } else {
    state[0] = smooth * state[0] + (1.0f - smooth) * range.lo;
    state[1] = smooth * state[1] + (1.0f - smooth) * range.hi;
  }
}

}  // namespace

void clear(ObservedRange observed, Stream stream) {
  clear_kernel<<<1, 1, 0, device::native(stream)>>>(observed);
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void observe(const void* x, ElementType type, std::int64_t count, ObservedRange observed,
             Stream stream) {
  if (count == 0) return;
  device::with_element_type(type, [&](auto element) {
    using T = decltype(element);
    observe_kernel<T>
        <<<device::grid_for(count / 4 + 1), device::kThreads, 0, device::native(stream)>>>(
            static_cast<const T*>(x), count, device::aligned_for_four(x, sizeof(T)), observed);
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void store_range(ObservedRange observed, float* range, Stream stream) {
  store_range_kernel<<<1, 1, 0, device::native(stream)>>>(observed, range);
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void update_range(float* state, ObservedRange observed, float smooth, int* rejected,
                  Stream stream) {
  update_range_kernel<<<1, 1, 0, device::native(stream)>>>(state, observed, smooth, rejected);
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
