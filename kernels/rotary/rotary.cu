// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/device/elements.cuh"
#include "kernels/device/launch.cuh"
#include "kernels/rotary/rotary.h"

#include <cstdint>
#include <type_traits>

namespace kernels::cuda {
namespace {

/// A thread turns `kPart` neighbours of a head's first half with those of its second half.
template <typename T, int kPart>
__global__ void __launch_bounds__(device::kThreads)
    rotate_kernel(const T* x, std::int64_t x_stride, const float* cos, const float* sin,
                  std::int64_t parts, std::uint32_t sequence, std::uint32_t heads,
                  std::uint32_t half, float direction, T* y) {
  struct alignas(sizeof(T) * kPart) Part {
    T value[kPart];
  };
  const std::uint32_t parts_of_half = half / kPart;
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < parts; i += step) {
    const auto head_of_all = static_cast<std::uint32_t>(i / parts_of_half);
    const std::uint32_t j = static_cast<std::uint32_t>(i % parts_of_half) * kPart;
    const std::uint32_t row = head_of_all / heads;
    const T* const from = x + row * x_stride + head_of_all % heads * 2 * half + j;
    T* const to = y + std::int64_t{head_of_all} * 2 * half + j;
    const std::int64_t table = std::int64_t{row % sequence} * half + j;
    const Part first = *reinterpret_cast<const Part*>(from);
    const Part second = *reinterpret_cast<const Part*>(from + half);
    Part low, high;
#pragma unroll
    for (int k = 0; k < kPart; ++k) {
      const float a = device::to_float(first.value[k]);
      const float b = device::to_float(second.value[k]);
      const float turned = direction * sin[table + k];
      low.value[k] = device::from_float<T>(fmaf(a, cos[table + k], -b * turned));
      high.value[k] = device::from_float<T>(fmaf(b, cos[table + k], a * turned));
    }
    *reinterpret_cast<Part*>(to) = low;
    *reinterpret_cast<Part*>(to + half) = high;
  }
}

}  // namespace

void rotate_heads(const void* x, ElementType type, std::int64_t x_stride, const float* cos,
                  const float* sin, std::int64_t rows, std::int64_t sequence, std::int64_t heads,
                  std::int64_t half, bool inverse, void* y, Stream stream) {
  if (rows * heads * half == 0) return;
  device::with_element_type(type, [&](auto element) {
    using T = decltype(element);
    constexpr int kPart = 16 / sizeof(T);
    const auto launch = [&](auto part) {
      const std::int64_t parts = rows * heads * half / part;
      rotate_kernel<T, part>
          <<<device::grid_for(parts), device::kThreads, 0, device::native(stream)>>>(
              static_cast<const T*>(x), x_stride, cos, sin, parts,
              static_cast<std::uint32_t>(sequence), static_cast<std::uint32_t>(heads),
              static_cast<std::uint32_t>(half), inverse ? -1.0f : 1.0f, static_cast<T*>(y));
    };
    const auto aligned = [](const void* data) {
      return reinterpret_cast<std::uintptr_t>(data) % 16 == 0;
    };
    if (half % kPart == 0 && x_stride % kPart == 0 && aligned(x) && aligned(y)) {
      launch(std::integral_constant<int, kPart>{});
    } else {
      launch(std::integral_constant<int, 1>{});
    }
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
