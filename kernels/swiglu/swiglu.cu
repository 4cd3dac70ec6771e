// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/device/rows.cuh"
#include "kernels/swiglu/gated.cuh"
#include "kernels/swiglu/swiglu.h"

#include <algorithm>
#include <initializer_list>
#include <type_traits>

namespace kernels::cuda {
namespace {

template <typename T, int kCount>
__device__ void swiglu_pack(const T* gate, const T* up, T* y) {
  float g[kCount], u[kCount];
  device::load(gate, g);
  device::load(up, u);
#pragma unroll
  for (int j = 0; j < kCount; ++j) g[j] = device::gated(g[j], u[j]);
  device::store(g, y);
}

template <typename T, int kCount>
__device__ void gradient_pack(const T* gate, const T* up, const T* y_gradient, T* gate_gradient,
                              T* up_gradient) {
  float g[kCount], u[kCount], dy[kCount];
  device::load(gate, g);
  device::load(up, u);
  device::load(y_gradient, dy);
#pragma unroll
  for (int j = 0; j < kCount; ++j) device::gated_gradient(dy[j], g[j], u[j]);
  device::store(g, gate_gradient);
  device::store(u, up_gradient);
}

template <typename T, int kCount>
__global__ void swiglu_kernel(const T* gate, const T* up, std::int64_t packs, T* y) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < packs; i += step) {
    swiglu_pack<T, kCount>(gate + i * kCount, up + i * kCount, y + i * kCount);
  }
}

template <typename T, int kCount>
__global__ void swiglu_gradient_kernel(const T* gate, const T* up, const T* y_gradient,
                                       std::int64_t packs, T* gate_gradient, T* up_gradient) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < packs; i += step) {
    gradient_pack<T, kCount>(gate + i * kCount, up + i * kCount, y_gradient + i * kCount,
                             gate_gradient + i * kCount, up_gradient + i * kCount);
  }
}

// Rows of gate and up beside each other: a block for some columns of many rows.
template <typename T, int kCount, typename Work>
__device__ void for_row_packs(std::int64_t rows, std::int64_t width, const Work& work) {
  const std::int64_t column = (std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x) * kCount;
  if (column >= width) return;
#pragma unroll 2
  for (std::int64_t row = blockIdx.y; row < rows; row += gridDim.y) {
    work(row * 2 * width + column, row * width + column);
  }
}

template <typename T, int kCount>
__global__ void swiglu_rows_kernel(const T* __restrict__ gate_up, std::int64_t rows,
                                   std::int64_t width, T* __restrict__ y) {
  for_row_packs<T, kCount>(rows, width, [&](std::int64_t gate, std::int64_t at) {
    swiglu_pack<T, kCount>(gate_up + gate, gate_up + gate + width, y + at);
  });
}

template <typename T, int kCount>
__global__ void swiglu_rows_gradient_kernel(const T* __restrict__ gate_up,
                                            const T* __restrict__ y_gradient, std::int64_t rows,
                                            std::int64_t width, T* __restrict__ gradient) {
  for_row_packs<T, kCount>(rows, width, [&](std::int64_t gate, std::int64_t at) {
    gradient_pack<T, kCount>(gate_up + gate, gate_up + gate + width, y_gradient + at,
                             gradient + gate, gradient + gate + width);
  });
}

constexpr int kRowThreads = 128;

dim3 grid_of_columns(std::int64_t rows, std::int64_t packs) {
  return {static_cast<unsigned>((packs + kRowThreads - 1) / kRowThreads),
          static_cast<unsigned>(std::min<std::int64_t>(rows, 4096))};
}

/// Calls work(elements of a pack, as an integral constant): 8 of 16 bits, 4 or 1.
template <typename T, typename Work>
void with_pack(std::int64_t width, std::initializer_list<const void*> rows, ElementType type,
               Work&& work) {
  if (!device::takes_packs(width, rows, type)) return work(std::integral_constant<int, 1>{});
  const bool eights = width % 8 == 0 && std::all_of(rows.begin(), rows.end(), [](const void* row) {
                        return device::aligned_for_eight(row);
                      });
  if constexpr (sizeof(T) == 2) {
    if (eights) return work(std::integral_constant<int, 8>{});
  }
  work(std::integral_constant<int, 4>{});
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

void swiglu_rows(const void* gate_up, ElementType type, std::int64_t rows, std::int64_t width,
                 void* y, Stream stream) {
  if (rows == 0) return;
  device::with_element_type(type, [&](auto element) {
    using T = decltype(element);
    with_pack<T>(width, {gate_up, y}, type, [&](auto pack) {
      swiglu_rows_kernel<T, pack()>
          <<<grid_of_columns(rows, width / pack()), kRowThreads, 0, device::native(stream)>>>(
              static_cast<const T*>(gate_up), rows, width, static_cast<T*>(y));
    });
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void swiglu_rows_gradient(const void* gate_up, const void* y_gradient, ElementType type,
                          std::int64_t rows, std::int64_t width, void* gate_up_gradient,
                          Stream stream) {
  if (rows == 0) return;
  device::with_element_type(type, [&](auto element) {
    using T = decltype(element);
    with_pack<T>(width, {gate_up, y_gradient, gate_up_gradient}, type, [&](auto pack) {
      swiglu_rows_gradient_kernel<T, pack()>
          <<<grid_of_columns(rows, width / pack()), kRowThreads, 0, device::native(stream)>>>(
              static_cast<const T*>(gate_up), static_cast<const T*>(y_gradient), rows, width,
              static_cast<T*>(gate_up_gradient));
    });
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
