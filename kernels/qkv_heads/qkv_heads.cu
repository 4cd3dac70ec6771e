// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/device/rows.cuh"
#include "kernels/qkv_heads/qkv_heads.h"
#include "kernels/rotary/turned.cuh"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace kernels::cuda {
namespace {

template <typename T>
struct Heads {
  T* data;
  HeadStrides strides;
};

template <typename T>
struct Operands {
  Heads<T> q, k, v;
};

/// Where one head of one row lies among the operands, and whether it turns.
template <typename T>
__device__ T* place_of(const Operands<T>& operands, const QkvShape& shape, std::int64_t batch,
                       std::int64_t position, int head, bool& turns) {
  const int heads = static_cast<int>(shape.heads), kv_heads = static_cast<int>(shape.kv_heads);
  turns = head < heads + kv_heads;
  const Heads<T>& of = head < heads ? operands.q : turns ? operands.k : operands.v;
  const int index = head < heads ? head : turns ? head - heads : head - heads - kv_heads;
  return of.data + batch * of.strides.batch + position * of.strides.position +
         index * of.strides.head;
}

/// A thread for kCount neighbours of both halves of a head. `splits`: from qkv to the operands;
/// else back, turning the other way. Index is unsigned and holds the number of threads: quotients
/// of 64 bits would take longer than the memory.
template <typename T, int kCount, bool splits, typename Index>
__global__ void __launch_bounds__(device::kThreads)
    heads_kernel(T* qkv, Operands<T> operands, QkvShape shape, const float* cos, const float* sin,
                 Index items) {
  const Index item = Index{blockIdx.x} * device::kThreads + threadIdx.x;
  if (item >= items) return;
  const auto half = static_cast<unsigned>(shape.half);
  const unsigned packs = half / kCount;
  const auto heads = static_cast<unsigned>(shape.heads + 2 * shape.kv_heads);
  const Index row = item / (packs * heads);
  const auto in_row = static_cast<unsigned>(item - row * (packs * heads));
  const unsigned head = in_row / packs;
  const unsigned j = in_row % packs * kCount;
  const Index batch = row / static_cast<unsigned>(shape.sequence);
  const auto position = static_cast<unsigned>(row - batch * static_cast<unsigned>(shape.sequence));
  bool turns;
  T* const apart = place_of(operands, shape, batch, position, static_cast<int>(head), turns) + j;
  T* const together = qkv + (static_cast<std::int64_t>(row) * heads + head) * 2 * half + j;
  const T* const from = splits ? together : apart;
  T* const to = splits ? apart : together;
  float first[kCount], second[kCount];
  device::load(from, first);
  device::load(from + half, second);
  if (turns) {
    const std::int64_t table = std::int64_t{position} * half + j;
    float c[kCount], s[kCount];
    device::load(cos + table, c);
    device::load(sin + table, s);
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      device::turn(c[i], splits ? s[i] : -s[i], first[i], second[i]);
    }
  }
  device::store(first, to);
  device::store(second, to + half);
}

/// Whether every access can take `count` neighbours of both halves.
template <typename T>
bool takes(int count, const Operands<T>& operands, const QkvShape& shape, const void* qkv,
           const float* cos, const float* sin) {
  const auto aligned = [&](const void* data, std::size_t size) {
    const std::size_t bytes = std::min<std::size_t>(16, static_cast<std::size_t>(count) * size);
    return reinterpret_cast<std::uintptr_t>(data) % bytes == 0;
  };
  const auto fits = [&](const Heads<T>& heads) {
    return heads.strides.batch % count == 0 && heads.strides.position % count == 0 &&
           heads.strides.head % count == 0 && aligned(heads.data, sizeof(T));
  };
  return shape.half % count == 0 && fits(operands.q) && fits(operands.k) && fits(operands.v) &&
         aligned(qkv, sizeof(T)) && aligned(cos, 4) && aligned(sin, 4);
}

template <bool splits, typename T>
void launch(T* qkv, const Operands<T>& operands, const QkvShape& shape, const float* cos,
            const float* sin, Stream stream) {
  const auto launch_with = [&](auto count) {
    const std::int64_t items =
        shape.batch * shape.sequence * (shape.heads + 2 * shape.kv_heads) * shape.half / count();
    if (items == 0) return;
    const auto blocks = static_cast<unsigned>((items + device::kThreads - 1) / device::kThreads);
    const auto launch_of = [&](auto index) {
      using Index = decltype(index);
      heads_kernel<T, count(), splits, Index>
          <<<blocks, device::kThreads, 0, device::native(stream)>>>(qkv, operands, shape, cos, sin,
                                                                    static_cast<Index>(items));
    };
    // The last block may have threads behind the last item.
    if (items <= std::int64_t{0xFFFFFFFF} - device::kThreads) {
      launch_of(std::uint32_t{});
    } else {
      launch_of(std::uint64_t{});
    }
    PARADIGM_CUDA_CHECK(cudaGetLastError());
  };
  if constexpr (sizeof(T) == 2) {
    if (takes(8, operands, shape, qkv, cos, sin)) {
      return launch_with(std::integral_constant<int, 8>{});
    }
  }
  if (takes(4, operands, shape, qkv, cos, sin)) {
    return launch_with(std::integral_constant<int, 4>{});
  }
  launch_with(std::integral_constant<int, 1>{});
}

HeadStrides dense(const QkvShape& shape, std::int64_t heads) {
  const std::int64_t width = heads * 2 * shape.half;
  return {shape.sequence * width, width, 2 * shape.half};
}

/// The kernel writes on one side only.
template <typename T>
T* writable(const void* data) {
  return static_cast<T*>(const_cast<void*>(data));
}

}  // namespace

void split_heads(const void* qkv, ElementType type, const QkvShape& shape, const float* cos,
                 const float* sin, void* q, void* k, void* v, Stream stream) {
  device::with_element_type(type, [&](auto element) {
    using T = decltype(element);
    const HeadStrides kv = dense(shape, shape.kv_heads);
    const Operands<T> operands{{static_cast<T*>(q), dense(shape, shape.heads)},
                               {static_cast<T*>(k), kv},
                               {static_cast<T*>(v), kv}};
    launch<true>(writable<T>(qkv), operands, shape, cos, sin, stream);
  });
}

void join_heads(const void* dq, const HeadStrides& q, const void* dk, const HeadStrides& k,
                const void* dv, const HeadStrides& v, ElementType type, const QkvShape& shape,
                const float* cos, const float* sin, void* d_qkv, Stream stream) {
  device::with_element_type(type, [&](auto element) {
    using T = decltype(element);
    const Operands<T> operands{{writable<T>(dq), q}, {writable<T>(dk), k}, {writable<T>(dv), v}};
    launch<false>(static_cast<T*>(d_qkv), operands, shape, cos, sin, stream);
  });
}

}  // namespace kernels::cuda
