// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cross_entropy/cross_entropy.h"
#include "kernels/device/block_reduce.cuh"
#include "kernels/device/mma.cuh"
#include "kernels/device/rows.cuh"

#include <limits>

namespace kernels::cuda {
namespace {

/// Of a row in shared memory, where it is read once: on sm_90 two such blocks fit beside each
/// other. Every device since sm_80 lets a block have 99 KiB.
constexpr std::int64_t kMostCachedBytes = 98 << 10;

/// A block for a row: one pass for the greatest logit and the sum of exponentials, one for the
/// gradient.
template <typename T, int kCount, bool kCached>
__global__ void __launch_bounds__(device::kThreads)
    cross_entropy_kernel(T* logits, std::int64_t count, const std::int64_t* labels, float scale,
                         float* losses, std::int64_t* correct) {
  extern __shared__ __align__(16) unsigned char memory[];
  using RowPack = device::Pack<T, kCount>;
  auto* const cache = reinterpret_cast<RowPack*>(memory);
  T* row = logits + std::int64_t{blockIdx.x} * count;
  const std::int64_t label = labels[blockIdx.x];
  const float label_logit = device::to_float(row[label]);
  float greatest = -std::numeric_limits<float>::infinity();
  float sum = 0;
  bool another_is_greater = false;
  constexpr int kStep = device::kThreads * kCount;
  if constexpr (kCached) {  // each thread fetches what it will look at
    for (std::int64_t i = std::int64_t{threadIdx.x} * kCount; i < count; i += kStep) {
      device::copy_async(device::shared_address(cache + i / kCount), row + i, true);
    }
    device::commit_copies();
    device::wait_for_copies<0>();
  }
  for (std::int64_t i = std::int64_t{threadIdx.x} * kCount; i < count; i += kStep) {
    float value[kCount];
    device::load(kCached ? cache[i / kCount].value : row + i, value);
    float of_pack = value[0];
#pragma unroll
    for (int j = 1; j < kCount; ++j) of_pack = fmaxf(of_pack, value[j]);
    if (of_pack > greatest) {
      sum *= __expf(greatest - of_pack);
      greatest = of_pack;
    }
#pragma unroll
    for (int j = 0; j < kCount; ++j) {
      sum += __expf(value[j] - greatest);
      another_is_greater |= value[j] > label_logit || (value[j] == label_logit && i + j < label);
    }
  }
  const float of_all = device::block_max(greatest);
  const float total = device::block_sum(sum * __expf(greatest - of_all));
  if (correct != nullptr) {
    const int wrong = __syncthreads_or(another_is_greater);
    if (threadIdx.x == 0) correct[blockIdx.x] = wrong == 0 && label_logit == label_logit;
  }
  if (threadIdx.x == 0) losses[blockIdx.x] = __logf(total) + of_all - label_logit;
  if (scale == 0.0f) return;
  const float factor = scale / total;
  for (std::int64_t i = std::int64_t{threadIdx.x} * kCount; i < count; i += kStep) {
    float value[kCount];
    device::load(kCached ? cache[i / kCount].value : row + i, value);
#pragma unroll
    for (int j = 0; j < kCount; ++j) {
      value[j] = factor * __expf(value[j] - of_all);
      if (i + j == label) value[j] -= scale;
    }
    device::store(value, row + i);
  }
}

}  // namespace

void cross_entropy_rows(void* logits, ElementType type, std::int64_t rows, std::int64_t count,
                        const std::int64_t* labels, float scale, float* losses,
                        std::int64_t* correct, Stream stream) {
  if (rows == 0) return;
  device::with_element_type(type, [&](auto element) {
    using T = decltype(element);
    const auto launch = [&](auto kernel, std::int64_t bytes) {
      PARADIGM_CUDA_CHECK(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                               static_cast<int>(bytes)));
      kernel<<<static_cast<unsigned>(rows), device::kThreads, static_cast<std::size_t>(bytes),
               device::native(stream)>>>(static_cast<T*>(logits), count, labels, scale, losses,
                                         correct);
    };
    const std::int64_t bytes = count * static_cast<std::int64_t>(sizeof(T));
    if (sizeof(T) == 2 && count % 8 == 0 && device::aligned_for_eight(logits) &&
        bytes <= kMostCachedBytes) {
      launch(&cross_entropy_kernel<T, 8, true>, bytes);
    } else if (count % 4 == 0 && device::aligned_for_four(logits, sizeof(T))) {
      launch(&cross_entropy_kernel<T, 4, false>, 0);
    } else {
      launch(&cross_entropy_kernel<T, 1, false>, 0);
    }
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
