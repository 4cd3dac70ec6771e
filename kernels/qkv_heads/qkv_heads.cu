// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/device/rows.cuh"
#include "kernels/qkv_heads/qkv_heads.h"
#include "kernels/rotary/turned.cuh"

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
__device__ T* place_of(const Operands<T>& operands, const QkvShape& shape, std::int64_t row,
                       int head, bool& turns) {
  const std::int64_t batch = row / shape.sequence;
  const std::int64_t position = row - batch * shape.sequence;
  const int heads = static_cast<int>(shape.heads), kv_heads = static_cast<int>(shape.kv_heads);
  turns = head < heads + kv_heads;
  const Heads<T>& of = head < heads ? operands.q : turns ? operands.k : operands.v;
  const int index = head < heads ? head : turns ? head - heads : head - heads - kv_heads;
  return of.data + batch * of.strides.batch + position * of.strides.position +
         index * of.strides.head;
}

/// A warp for each row; a lane takes kCount neighbours of both halves of a head. `splits`: from
/// qkv to the operands; else back, turning the other way.
template <typename T, int kCount, bool splits>
__global__ void heads_kernel(T* qkv, Operands<T> operands, QkvShape shape, const float* cos,
                             const float* sin, std::int64_t rows) {
  const std::int64_t row = device::row_of_warp();
  if (row >= rows) return;
  const int half = static_cast<int>(shape.half);
  const int packs = half / kCount;
  const int heads = static_cast<int>(shape.heads + 2 * shape.kv_heads);
  const std::int64_t table = row % shape.sequence * half;
  for (int item = threadIdx.x % 32; item < heads * packs; item += 32) {
    const int head = item / packs;
    const int j = item % packs * kCount;
    bool turns;
    T* const apart = place_of(operands, shape, row, head, turns) + j;
    T* const together = qkv + (row * heads + head) * 2 * half + j;
    const T* const from = splits ? together : apart;
    T* const to = splits ? apart : together;
    float first[kCount], second[kCount];
    device::load(from, first);
    device::load(from + half, second);
    if (turns) {
      float c[kCount], s[kCount];
      device::load(cos + table + j, c);
      device::load(sin + table + j, s);
#pragma unroll
      for (int i = 0; i < kCount; ++i) {
        device::turn(c[i], splits ? s[i] : -s[i], first[i], second[i]);
      }
    }
    device::store(first, to);
    device::store(second, to + half);
  }
}

template <typename T>
bool takes_packs(const Operands<T>& operands, const QkvShape& shape, const void* qkv,
                 const float* cos, const float* sin) {
  const auto fits = [](const Heads<T>& heads) {
    return heads.strides.batch % 4 == 0 && heads.strides.position % 4 == 0 &&
           heads.strides.head % 4 == 0 && device::aligned_for_four(heads.data, sizeof(T));
  };
  return shape.half % 4 == 0 && fits(operands.q) && fits(operands.k) && fits(operands.v) &&
         device::aligned_for_four(qkv, sizeof(T)) && device::aligned_for_four(cos, 4) &&
         device::aligned_for_four(sin, 4);
}

template <bool splits, typename T>
void launch(T* qkv, const Operands<T>& operands, const QkvShape& shape, const float* cos,
            const float* sin, Stream stream) {
  const std::int64_t rows = shape.batch * shape.sequence;
  if (rows == 0) return;
  const auto kernel = takes_packs(operands, shape, qkv, cos, sin) ? &heads_kernel<T, 4, splits>
                                                                  : &heads_kernel<T, 1, splits>;
  kernel<<<device::grid_of_rows(rows), device::kThreads, 0, device::native(stream)>>>(
      qkv, operands, shape, cos, sin, rows);
  PARADIGM_CUDA_CHECK(cudaGetLastError());
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
