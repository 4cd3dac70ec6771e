// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/device/elements.cuh"
#include "kernels/device/histogram.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/device/range.cuh"
#include "kernels/range_statistics/range_statistics.h"

namespace kernels::cuda {
namespace {

__global__ void clear_kernel(int* observed) { device::store_nothing(observed); }

__global__ void clear_scratch_kernel(int* scratch) {
  device::store_nothing(scratch);
  scratch[3] = scratch[4] = 0;
}

template <typename T>
__global__ void observe_kernel(const T* x, std::int64_t count, bool aligned, int* observed) {
  device::range_of(x, count, aligned).fold_into(observed);
}

template <typename T>
__global__ void observe_into_kernel(const T* x, std::int64_t count, bool aligned,
                                    RunningRange range) {
  device::fold_and_update(device::range_of(x, count, aligned), range);
}

__global__ void store_range_kernel(const int* observed, float* out) {
  const Range range = device::decoded(observed);
  out[0] = range.lo;
  out[1] = range.hi;
}

__global__ void update_range_kernel(float* state, const float* observed, float smooth,
                                    int* rejected) {
  if (!device::update({observed[0], observed[1]}, smooth, state)) atomicAdd(rejected, 1);
}

__device__ bool finite(const float* range) { return device::finite({range[0], range[1]}); }

__global__ void count_outside_kernel(const float* x, std::int64_t count, bool aligned,
                                     const float* range, unsigned long long* outside) {
  device::OutsideCount seen(range);
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  const std::int64_t thread = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const std::int64_t fours = aligned ? count / 4 : 0;
  const auto* packed = reinterpret_cast<const device::Four<float>*>(x);
  for (std::int64_t i = thread; i < fours; i += step) {
    const device::Four<float> four = packed[i];
    for (const float value : four.value) seen.add(value);
  }
  for (std::int64_t i = 4 * fours + thread; i < count; i += step) seen.add(x[i]);
  seen.fold_into(outside);
}

template <typename T>
__global__ void count_kernel(const T* x, std::int64_t count, const float* extent,
                             unsigned long long* counts) {
  __shared__ unsigned bins[Histogram::kBins];
  if (!finite(extent)) return;
  device::BlockHistogram histogram(extent, bins);
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) {
    histogram.add(device::to_float(x[i]));
  }
  histogram.fold_into(counts);
}

// Finds ranks in a histogram whose bins lie in shared memory, with a sum for every kGroup of them.
constexpr int kGroup = Histogram::kBins / device::kThreads;

struct CountedValues {
  const unsigned long long* bins;
  const unsigned long long* groups;
  double lo, width;

  __device__ float of_rank(std::int64_t rank) const {
    std::int64_t before = 0;
    int group = 0;
    const auto in_group = [&](int i) { return static_cast<std::int64_t>(groups[i]); };
    while (group < device::kThreads - 1 && before + in_group(group) <= rank) {
      before += in_group(group++);
    }
    int bin = group * kGroup;
    const auto in_bin = [&](int i) { return static_cast<std::int64_t>(bins[i]); };
    while (bin < Histogram::kBins - 1 && before + in_bin(bin) <= rank) before += in_bin(bin++);
    const double inside =
        (static_cast<double>(rank - before) + 0.5) / static_cast<double>(bins[bin]);
    return static_cast<float>(lo + width * (bin + inside));
  }
};

// One block; thread 0 answers for q, thread 1 for r.
__global__ void store_quantiles_kernel(const unsigned long long* counts, const float* extent,
                                       double q, double r, float* range) {
  __shared__ unsigned long long bins[Histogram::kBins];
  __shared__ unsigned long long groups[device::kThreads];
  unsigned long long sum = 0;
  for (int i = 0; i < kGroup; ++i) {
    const int bin = threadIdx.x * kGroup + i;
    bins[bin] = counts[bin];
    sum += bins[bin];
  }
  groups[threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.x > 1) return;
  if (!finite(extent)) {
    range[threadIdx.x] = extent[threadIdx.x];
    return;
  }
  std::int64_t total = 0;
  for (int i = 0; i < device::kThreads; ++i) total += static_cast<std::int64_t>(groups[i]);
  if (total == 0) {
    range[threadIdx.x] = __int_as_float(0x7FC00000);
    return;
  }
  const double width = (static_cast<double>(extent[1]) - extent[0]) / Histogram::kBins;
  const CountedValues values{bins, groups, extent[0], width};
  const double position = (threadIdx.x == 0 ? q : r) * static_cast<double>(total - 1);
  const auto below = static_cast<std::int64_t>(position);
  const double low = values.of_rank(below);
  const double high = values.of_rank(below + 1 < total ? below + 1 : total - 1);
  range[threadIdx.x] =
      static_cast<float>(low + (high - low) * (position - static_cast<double>(below)));
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
        <<<device::grid_that_meets(count / 8 + 1), device::kThreads, 0, device::native(stream)>>>(
            static_cast<const T*>(x), count, device::aligned_for_eight(x), observed);
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void clear_scratch(int* scratch, Stream stream) {
  clear_scratch_kernel<<<1, 1, 0, device::native(stream)>>>(scratch);
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void observe_into(const void* x, ElementType type, std::int64_t count, const RunningRange& range,
                  Stream stream) {
  device::with_element_type(type, [&](auto element) {
    using T = decltype(element);
    observe_into_kernel<T>
        <<<device::grid_that_meets(count / 8 + 1), device::kThreads, 0, device::native(stream)>>>(
            static_cast<const T*>(x), count, device::aligned_for_eight(x), range);
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void store_range(ObservedRange observed, float* range, Stream stream) {
  store_range_kernel<<<1, 1, 0, device::native(stream)>>>(observed, range);
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void update_range(float* state, const float* observed, float smooth, int* rejected, Stream stream) {
  update_range_kernel<<<1, 1, 0, device::native(stream)>>>(state, observed, smooth, rejected);
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void count_outside(const float* x, std::int64_t count, const float* range,
                   unsigned long long* outside, Stream stream) {
  if (count == 0) return;
  count_outside_kernel<<<device::grid_that_meets(count / 4 + 1), device::kThreads, 0,
                         device::native(stream)>>>(
      x, count, device::aligned_for_four(x, sizeof(float)), range, outside);
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void clear_histogram(HistogramCounts counts, Stream stream) {
  PARADIGM_CUDA_CHECK(cudaMemsetAsync(counts, 0, kHistogramBytes, device::native(stream)));
}

void count_values(const void* x, ElementType type, std::int64_t count, const float* extent,
                  HistogramCounts counts, Stream stream) {
  if (count == 0) return;
  device::with_element_type(type, [&](auto element) {
    using T = decltype(element);
    count_kernel<T>
        <<<device::grid_for(count / 16 + 1), device::kThreads, 0, device::native(stream)>>>(
            static_cast<const T*>(x), count, extent, counts);
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void store_quantiles(const unsigned long long* counts, const float* extent, double q, double r,
                     float* range, Stream stream) {
  store_quantiles_kernel<<<1, device::kThreads, 0, device::native(stream)>>>(counts, extent, q, r,
                                                                             range);
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
