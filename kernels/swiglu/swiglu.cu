// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/device/rows.cuh"
#include "kernels/swiglu/swiglu.h"

namespace kernels::cuda {
namespace {

__device__ float sigmoid(float x) { return 1.0f / (1.0f + __expf(-x)); }

template <typename T, int kCount>
__global__ void swiglu_kernel(const T* gate, const T* up, std::int64_t packs, T* y) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < packs; i += step) {
    float g[kCount], u[kCount];
    device::load(gate + i * kCount, g);
    device::load(up + i * kCount, u);
#pragma unroll
    for (int j = 0; j < kCount; ++j) g[j] *= sigmoid(g[j]) * u[j];
    device::store(g, y + i * kCount);
  }
}

template <typename T, int kCount>
__global__ void swiglu_gradient_kernel(const T* gate, const T* up, const T* y_gradient,
                                       std::int64_t packs, T* gate_gradient, T* up_gradient) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < packs; i += step) {
    float g[kCount], u[kCount], dy[kCount];
    device::load(gate + i * kCount, g);
    device::load(up + i * kCount, u);
    device::load(y_gradient + i * kCount, dy);
#pragma unroll
    for (int j = 0; j < kCount; ++j) {
      const float s = sigmoid(g[j]);
      const float silu = g[j] * s;
      g[j] = dy[j] * u[j] * (s + silu * (1.0f - s));
      u[j] = dy[j] * silu;
    }
    device::store(g, gate_gradient + i * kCount);
    device::store(u, up_gradient + i * kCount);
  }
}

}  // namespace

void swiglu(const void* gate, const void* up, ElementType type, std::int64_t count, void* y,
            Stream stream) {
  if (count == 0) return;
  device::with_element_type(type, [&](auto element) {
    using T = decltype(element);
    const bool fours = device::takes_packs(count, {gate, up, y}, type);
    const std::int64_t packs = fours ? count / 4 : count;
    const auto kernel = fours ? &swiglu_kernel<T, 4> : &swiglu_kernel<T, 1>;
    kernel<<<device::grid_for(packs), device::kThreads, 0, device::native(stream)>>>(
        static_cast<const T*>(gate), static_cast<const T*>(up), packs, static_cast<T*>(y));
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void swiglu_gradient(const void* gate, const void* up, const void* y_gradient, ElementType type,
                     std::int64_t count, void* gate_gradient, void* up_gradient, Stream stream) {
  if (count == 0) return;
  device::with_element_type(type, [&](auto element) {
    using T = decltype(element);
    const bool fours =
        device::takes_packs(count, {gate, up, y_gradient, gate_gradient, up_gradient}, type);
    const std::int64_t packs = fours ? count / 4 : count;
    const auto kernel = fours ? &swiglu_gradient_kernel<T, 4> : &swiglu_gradient_kernel<T, 1>;
    kernel<<<device::grid_for(packs), device::kThreads, 0, device::native(stream)>>>(
        static_cast<const T*>(gate), static_cast<const T*>(up), static_cast<const T*>(y_gradient),
        packs, static_cast<T*>(gate_gradient), static_cast<T*>(up_gradient));
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
