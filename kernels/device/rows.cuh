// SPDX-License-Identifier: GPL-3.0-or-later
// One warp walks one row, four neighbouring elements a lane and step where the row allows it.
#pragma once

#include "kernels/device/elements.cuh"
#include "kernels/device/launch.cuh"

#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace kernels::device {

constexpr int kWarps = kThreads / 32;

/// Blocks for one warp a row.
inline unsigned grid_of_rows(std::int64_t rows) {
  return static_cast<unsigned>((rows + kWarps - 1) / kWarps);
}

__device__ inline std::int64_t row_of_warp() {
  return std::int64_t{blockIdx.x} * kWarps + threadIdx.x / 32;
}

__device__ inline float warp_sum(float value) {
  for (int distance = 16; distance > 0; distance /= 2) {
    value += __shfl_xor_sync(0xFFFFFFFFu, value, distance);
  }
  return value;
}

/// Calls work(column) or, when `by_four`, work(first column of four) for the lane's share of a row.
template <bool by_four, typename Work>
__device__ void for_columns(std::int64_t width, const Work& work) {
  constexpr int kStep = by_four ? 4 : 1;
  for (std::int64_t column = threadIdx.x % 32 * kStep; column < width; column += 32 * kStep) {
    work(column);
  }
}

/// Whether rows of `width` elements at these places can be read four elements at a time.
inline bool takes_packs(std::int64_t width, std::initializer_list<const void*> pointers,
                        ElementType type) {
  const std::size_t size = type == ElementType::fp32 ? 4 : 2;
  bool aligned = width % 4 == 0;
  for (const void* pointer : pointers) aligned &= aligned_for_four(pointer, size);
  return aligned;
}

/// 4 neighbours in one access, 8 of 16 bits, or one element.
template <typename T, int kCount>
struct alignas(kCount * sizeof(T) > 16 ? 16 : kCount * sizeof(T)) Pack {
  T value[kCount];
};

template <int kCount, typename T>
__device__ void load(const T* from, float (&to)[kCount]) {
  const auto pack = *reinterpret_cast<const Pack<T, kCount>*>(from);
#pragma unroll
  for (int i = 0; i < kCount; ++i) to[i] = to_float(pack.value[i]);
}

template <int kCount, typename T>
__device__ void store(const float (&from)[kCount], T* to) {
  Pack<T, kCount> pack;
#pragma unroll
  for (int i = 0; i < kCount; ++i) pack.value[i] = from_float<T>(from[i]);
  *reinterpret_cast<Pack<T, kCount>*>(to) = pack;
}

/// The value that an element of type T can hold.
template <typename T>
__device__ float rounded_to(float x) {
  return to_float(from_float<T>(x));
}

/// Every value as bf16 can hold it, two at a time.
template <int kCount>
__device__ void round_to_bf16(float (&x)[kCount]) {
#pragma unroll
  for (int i = 0; i < kCount; i += 2) {
    const __nv_bfloat162 two = __floats2bfloat162_rn(x[i], x[i + 1]);
    x[i] = __low2float(two);
    x[i + 1] = __high2float(two);
  }
}

}  // namespace kernels::device
