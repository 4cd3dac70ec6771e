// SPDX-License-Identifier: GPL-3.0-or-later
// Buffers of fp32, bf16 or fp16 as fp32 in registers, four neighbours at a time where they are
// aligned.
#pragma once

#include "kernels/device.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>

namespace kernels::device {

__device__ inline float to_float(float x) { return x; }
__device__ inline float to_float(__nv_bfloat16 x) { return __bfloat162float(x); }
__device__ inline float to_float(__half x) { return __half2float(x); }

template <typename T>
__device__ T from_float(float x);
template <>
__device__ inline float from_float<float>(float x) {
  return x;
}
template <>
__device__ inline __nv_bfloat16 from_float<__nv_bfloat16>(float x) {
  return __float2bfloat16_rn(x);
}
template <>
__device__ inline __half from_float<__half>(float x) {
  return __float2half_rn(x);
}

template <typename T>
struct alignas(4 * sizeof(T)) Four {
  T value[4];
};

template <typename T>
struct alignas(sizeof(T) == 4 ? 16 : 8 * sizeof(T)) Eight {
  T value[8];
};

/// Calls work(T{}) with the C++ type of `type`.
template <typename Work>
void with_element_type(ElementType type, Work&& work) {
  switch (type) {
    case ElementType::fp32:
      return work(float{});
    case ElementType::bf16:
      return work(__nv_bfloat16{});
    case ElementType::fp16:
      return work(__half{});
  }
}

inline bool aligned_for_four(const void* pointer, std::size_t element_size) {
  return reinterpret_cast<std::uintptr_t>(pointer) % (4 * element_size) == 0;
}

inline bool aligned_for_eight(const void* pointer) {
  return reinterpret_cast<std::uintptr_t>(pointer) % 16 == 0;
}

}  // namespace kernels::device
