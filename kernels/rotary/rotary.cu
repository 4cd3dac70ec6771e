// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/device/elements.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/rotary/rotary.h"

namespace kernels::cuda {
namespace {

template <typename T>
__global__ void rotate_kernel(const T* x, std::int64_t x_stride, const float* cos, const float* sin,
                              std::int64_t count, std::int64_t sequence, std::int64_t heads,
                              std::int64_t half, float direction, T* y) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += step) {
    const std::int64_t j = i % half;
    const std::int64_t head = i / half % heads;
    const std::int64_t row = i / (half * heads);
    const std::int64_t table = row % sequence * half + j;
    const std::int64_t from = row * x_stride + head * 2 * half + j;
    const std::int64_t to = (row * heads + head) * 2 * half + j;
    const float first = device::to_float(x[from]);
    const float second = device::to_float(x[from + half]);
    const float turned = direction * sin[table];
    y[to] = device::from_float<T>(fmaf(first, cos[table], -second * turned));
    y[to + half] = device::from_float<T>(fmaf(second, cos[table], first * turned));
  }
}

}  // namespace

void rotate_heads(const void* x, ElementType type, std::int64_t x_stride, const float* cos,
                  const float* sin, std::int64_t rows, std::int64_t sequence, std::int64_t heads,
                  std::int64_t half, bool inverse, void* y, Stream stream) {
  const std::int64_t count = rows * heads * half;
  if (count == 0) return;
  device::with_element_type(type, [&](auto element) {
    using T = decltype(element);
    rotate_kernel<T><<<device::grid_for(count), device::kThreads, 0, device::native(stream)>>>(
        static_cast<const T*>(x), x_stride, cos, sin, count, sequence, heads, half,
        inverse ? -1.0f : 1.0f, static_cast<T*>(y));
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
