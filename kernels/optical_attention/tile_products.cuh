// SPDX-License-Identifier: GPL-3.0-or-later
// Products of a block's 64 rows with tiles: on Hopper by the matrix unit of four warps, else by
// each warp for itself. Every thread of the block takes part. Both sum in fp32, each in an order of
// its own that never changes.
#pragma once

#include "kernels/optical_attention/attention_tiles.cuh"

namespace kernels::optical_attention {

/// The block's rows of head_dim elements, 16 a warp, as A fragments.
template <int head_dim>
struct RowFragments {
  std::uint32_t part[head_dim / 16][4];

  __device__ void load(const Tile<head_dim>& tile) {
    const int lane = threadIdx.x % 32;
    const int row = threadIdx.x / 32 * 16 + lane % 16;
#pragma unroll
    for (int k = 0; k < head_dim / 16; ++k) {
      device::load_matrices(part[k], tile.address(row, 2 * k + lane / 16));
    }
  }
};

#ifdef PARADIGM_HAS_WGMMA

/// A tile from row `first` and column 16 `sixteen` on.
template <int head_dim>
__device__ std::uint64_t matrix_at(const Tile<head_dim>& tile, int first, int sixteen) {
  constexpr int kRowBytes = Tile<head_dim>::kRowBytes;
  return device::warpgroup::matrix<kRowBytes>(tile.unit + first * (kRowBytes / 16) + 2 * sixteen);
}

template <typename Type, bool transposed, int eights>
__device__ void multiply_together(float (&sum)[eights][4], const std::uint32_t (&a)[4],
                                  std::uint64_t b, int adds) {
  if constexpr (std::is_same_v<Type, device::Fp16>) {
    device::warpgroup::multiply_fp16<transposed>(sum, a, b, adds);
  } else {
    device::warpgroup::multiply_bf16<transposed>(sum, a, b, adds);
  }
}

#endif

/// product = a times the rows [first, first + 8 eights) of a tile, transposed: over head_dim.
template <typename Type, int head_dim, int eights>
__device__ void multiply_by_rows(const RowFragments<head_dim>& a, const Tile<head_dim>& tile,
                                 int first, float (&product)[eights][4]) {
#ifdef PARADIGM_HAS_WGMMA
  namespace warpgroup = device::warpgroup;
  warpgroup::begin();
#pragma unroll
  for (int k = 0; k < head_dim / 16; ++k) {
    multiply_together<Type, false>(product, a.part[k], matrix_at(tile, first, k), k > 0);
  }
  warpgroup::commit();
  warpgroup::wait();
  warpgroup::pin(product);
#else
  const int lane = threadIdx.x % 32;
  const int matrix = lane / 8;
#pragma unroll
  for (int eight = 0; eight < eights; ++eight)
    for (int i = 0; i < 4; ++i) product[eight][i] = 0;
#pragma unroll
  for (int pair = 0; pair < eights / 2; ++pair) {
    const int row = first + 16 * pair + lane % 8 + 8 * (matrix / 2);
#pragma unroll
    for (int k = 0; k < head_dim / 16; ++k) {
      std::uint32_t b[4];
      device::load_matrices(b, tile.address(row, 2 * k + matrix % 2));
      Type::multiply_add(product[2 * pair], a.part[k], b[0], b[1]);
      Type::multiply_add(product[2 * pair + 1], a.part[k], b[2], b[3]);
    }
  }
#endif
}

/// sum += weights (A fragments of 16 columns each) times the rows [first, first + 16 groups) of a
/// tile. Until finish_weighted_rows() of both, neither may be touched.
template <typename Type, int head_dim, int groups>
__device__ void start_weighted_rows(const std::uint32_t (&weights)[groups][4],
                                    const Tile<head_dim>& tile, int first,
                                    float (&sum)[head_dim / 8][4]) {
#ifdef PARADIGM_HAS_WGMMA
  namespace warpgroup = device::warpgroup;
  warpgroup::pin(sum);
  warpgroup::begin();
#pragma unroll
  for (int group = 0; group < groups; ++group) {
    multiply_together<Type, true>(sum, weights[group], matrix_at(tile, first + 16 * group, 0), 1);
  }
  warpgroup::commit();
#else
  const int lane = threadIdx.x % 32;
  const int matrix = lane / 8;
#pragma unroll
  for (int group = 0; group < groups; ++group) {
    const int row = first + 16 * group + lane % 8 + 8 * (matrix % 2);
#pragma unroll
    for (int n = 0; n < head_dim / 8; n += 2) {
      std::uint32_t b[4];
      device::load_matrices_transposed(b, tile.address(row, n + matrix / 2));
      Type::multiply_add(sum[n], weights[group], b[0], b[1]);
      Type::multiply_add(sum[n + 1], weights[group], b[2], b[3]);
    }
  }
#endif
}

template <int eights, int groups>
__device__ void finish_weighted_rows(float (&sum)[eights][4],
                                     const std::uint32_t (&weights)[groups][4]) {
#ifdef PARADIGM_HAS_WGMMA
  device::warpgroup::wait();
  device::warpgroup::pin(sum);
#pragma unroll
  for (int group = 0; group < groups; ++group) device::warpgroup::keep(weights[group]);
#endif
}

template <typename Type, int head_dim, int groups>
__device__ void add_weighted_rows(const std::uint32_t (&weights)[groups][4],
                                  const Tile<head_dim>& tile, int first,
                                  float (&sum)[head_dim / 8][4]) {
  start_weighted_rows<Type>(weights, tile, first, sum);
  finish_weighted_rows(sum, weights);
}

/// 16 columns of the block's rows as an A fragment: `eight` columns from `values`[0] and [1] each,
/// in the order in which products give them.
template <typename Type>
__device__ void pack_weights(const float (&low)[4], const float (&high)[4],
                             std::uint32_t (&weights)[4]) {
  weights[0] = Type::pack(low[0], low[1]);
  weights[1] = Type::pack(low[2], low[3]);
  weights[2] = Type::pack(high[0], high[1]);
  weights[3] = Type::pack(high[2], high[3]);
}

}  // namespace kernels::optical_attention
