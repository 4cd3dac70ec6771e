// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cross_entropy/cross_entropy.h"
#include "kernels/device/block_reduce.cuh"
#include "kernels/device/rows.cuh"

#include <limits>

namespace kernels::cuda {
namespace {

/// A block for a row: one pass for the greatest logit and the sum of exponentials, one for the
/// gradient.
template <typename T, int kCount>
__global__ void __launch_bounds__(device::kThreads)
    cross_entropy_kernel(T* logits, std::int64_t count, const std::int64_t* labels, float scale,
                         float* losses, std::int64_t* correct) {
  T* row = logits + std::int64_t{blockIdx.x} * count;
  const std::int64_t label = labels[blockIdx.x];
  const float label_logit = device::to_float(row[label]);
  float greatest = -std::numeric_limits<float>::infinity();
  float sum = 0;
  bool another_is_greater = false;
  constexpr int kStep = device::kThreads * kCount;
  for (std::int64_t i = std::int64_t{threadIdx.x} * kCount; i < count; i += kStep) {
    float value[kCount];
    device::load(row + i, value);
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
    device::load(row + i, value);
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
    const bool fours = count % 4 == 0 && device::aligned_for_four(logits, sizeof(T));
    const auto kernel = fours ? &cross_entropy_kernel<T, 4> : &cross_entropy_kernel<T, 1>;
    kernel<<<static_cast<unsigned>(rows), device::kThreads, 0, device::native(stream)>>>(
        static_cast<T*>(logits), count, labels, scale, losses, correct);
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
