// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/bit_flip/draw_tiles.cuh"
#include "kernels/bit_flip/flip_group.h"

#include <cuda_bf16.h>

#include <algorithm>
#include <cassert>

namespace kernels::cuda {
namespace {

using namespace kernels::bit_flips;

constexpr int kPatchRows = 32, kPatchColumns = 128;  // of a weight, for a block

struct Weight {
  const float* data;
  std::uint16_t* values;
  ZeroBits zeroed;
  std::int64_t pitch;
  int rows, columns;  ///< outputs and inputs
  unsigned first_block, blocks_of_row;
  Plan plan;
};

constexpr int kMostWeights = 64;  // of a launch: what its parameters have room for

struct Weights {
  Weight all[kMostWeights];
  int count;

  /// The weight that a block works at.
  __device__ const Weight& of_block(unsigned block) const {
    int first = 0, end = count;
    while (end - first > 1) {
      const int middle = (first + end) / 2;
      if (all[middle].first_block <= block) {
        first = middle;
      } else {
        end = middle;
      }
    }
    return all[first];
  }
};

struct Shared {
  std::uint32_t masks[kPatchRows * kPatchColumns / 2];  ///< of two neighbours
  alignas(4) std::uint16_t words[kPatchColumns][kPatchRows + 2];
};

constexpr int kParts = kPatchColumns / 64;  // two columns a lane
constexpr int kRowsOfWarp = kPatchRows / (device::kThreads / 32);

/// Two numbers as words of the storage format.
__device__ std::uint32_t stored(const float2& numbers, ElementType storage) {
  const std::uint32_t low = __float_as_uint(numbers.x), high = __float_as_uint(numbers.y);
  const bool has_nan = max(low & 0x7FFFFFFFu, high & 0x7FFFFFFFu) > 0x7F800000u;
  if (storage == ElementType::bf16 && !has_nan) {
    const __nv_bfloat162 pair = __floats2bfloat162_rn(numbers.x, numbers.y);
    std::uint32_t words;
    memcpy(&words, &pair, sizeof(words));
    return words;
  }
  return converted_word(low, ElementType::fp32, storage) |
         converted_word(high, ElementType::fp32, storage) << 16;
}

/// The highest bit of each half of `pair` that becomes 0; `mask`: what flipped in it.
__device__ std::uint32_t zeroed_halves(const BitFlip& how, std::uint32_t pair, std::uint32_t mask) {
  if (how.zero_from == kNeverZero) return 0;
  // The sum of a half reaches its highest bit.
  const std::uint32_t up = (0x8000u - how.zero_from) * 0x10001u;
  std::uint32_t reached = ((pair & 0x7FFF7FFFu) + up) & 0x80008000u;
  if (how.zeroes_only_flipped) {
    if ((mask & 0xFFFFu) == 0) reached &= 0x80000000u;
    if ((mask >> 16) == 0) reached &= 0x8000u;
  }
  return reached;
}

/// Sixteen bits with a gap before each.
__device__ std::uint32_t spread(std::uint32_t bits) {
  bits &= 0xFFFFu;
  bits = (bits | bits << 8) & 0x00FF00FFu;
  bits = (bits | bits << 4) & 0x0F0F0F0Fu;
  bits = (bits | bits << 2) & 0x33333333u;
  return (bits | bits << 1) & 0x55555555u;
}

/// The 32 zero bits of a half warp's columns.
__device__ std::uint32_t bits_of_half(std::uint32_t zeroed) {
  if (__any_sync(0xFFFFFFFFu, zeroed != 0) == 0) return 0;
  const std::uint32_t low = __ballot_sync(0xFFFFFFFFu, (zeroed & 0x8000u) != 0);
  const std::uint32_t high = __ballot_sync(0xFFFFFFFFu, (zeroed & 0x80000000u) != 0);
  const unsigned shift = threadIdx.x & 16;
  return spread(low >> shift) | spread(high >> shift) << 1;
}

__device__ void flip_patch(const Weight& weight, unsigned block, Shared& shared) {
  const int columns = weight.columns;
  const int first_row = static_cast<int>(block / weight.blocks_of_row) * kPatchRows;
  const int first_column = static_cast<int>(block % weight.blocks_of_row) * kPatchColumns;
  const int patch_rows = min(kPatchRows, weight.rows - first_row);
  const int patch_columns = min(kPatchColumns, columns - first_column);
  const int warp = static_cast<int>(threadIdx.x / 32), lane = static_cast<int>(threadIdx.x % 32);

  const std::uint64_t begin = static_cast<std::uint64_t>(first_row) * columns;
  float2 loaded[kRowsOfWarp][kParts];  // under way while the flips are drawn
#pragma unroll
  for (int j = 0; j < kRowsOfWarp; ++j) {
#pragma unroll
    for (int part = 0; part < kParts; ++part) {
      const int row = warp * kRowsOfWarp + j, column = 64 * part + 2 * lane;
      loaded[j][part] = row < patch_rows && column < patch_columns
                            ? *reinterpret_cast<const float2*>(
                                  weight.data + begin + static_cast<std::uint64_t>(row) * columns +
                                  first_column + column)
                            : float2{0, 0};
    }
  }
  for (int k = static_cast<int>(threadIdx.x); k < kPatchRows * kPatchColumns / 2;
       k += device::kThreads) {
    shared.masks[k] = 0;
  }
  __syncthreads();
  const std::uint64_t end = begin + static_cast<std::uint64_t>(patch_rows) * columns;
  const std::uint64_t tile = begin / kLargestTile;
  const int tiles = static_cast<int>((end - 1) / kLargestTile - tile) + 1;
  constexpr int kFew = 16;
  draw_tiles(
      tiles <= kFew ? 4 : 1, 1, [&](int) -> const Plan& { return weight.plan; }, tile, tiles,
      [&](int, std::uint64_t element, std::uint32_t bit) {
        if (element < begin || element >= end) return;
        const auto offset = static_cast<unsigned>(element - begin);
        const int row = static_cast<int>(offset / static_cast<unsigned>(columns));
        const int column = static_cast<int>(offset % static_cast<unsigned>(columns)) - first_column;
        if (column < 0 || column >= patch_columns) return;
        const int at = row * kPatchColumns + column;
        atomicOr(shared.masks + at / 2, 1u << (bit + 16 * (at % 2)));
      });
  __syncthreads();

#pragma unroll
  for (int j = 0; j < kRowsOfWarp; ++j) {
#pragma unroll
    for (int part = 0; part < kParts; ++part) {
      const int row = warp * kRowsOfWarp + j, column = 64 * part + 2 * lane;
      const std::uint32_t mask = shared.masks[(row * kPatchColumns + column) / 2];
      std::uint32_t pair = stored(loaded[j][part], weight.plan.how.storage) ^ mask;
      const std::uint32_t zeroed = zeroed_halves(weight.plan.how, pair, mask);
      if ((zeroed & 0x8000u) != 0) pair &= 0xFFFF0000u;
      if ((zeroed & 0x80000000u) != 0) pair &= 0xFFFFu;
      shared.words[column][row] = static_cast<std::uint16_t>(pair);
      shared.words[column + 1][row] = static_cast<std::uint16_t>(pair >> 16);
      if (weight.zeroed == nullptr) continue;
      const std::uint32_t bits = bits_of_half(zeroed);
      if (lane % 16 == 0 && row < patch_rows && column < patch_columns) {
        weight.zeroed[(begin + static_cast<std::uint64_t>(row) * columns + first_column + column) /
                      32] = bits;
      }
    }
  }
  __syncthreads();
  // Two rows a lane, two columns a warp.
  const int row = 2 * (lane % 16);
  if (row >= patch_rows) return;
  for (int column = 2 * warp + lane / 16; column < patch_columns;
       column += 2 * (device::kThreads / 32)) {
    *reinterpret_cast<std::uint32_t*>(weight.values + (first_column + column) * weight.pitch +
                                      first_row + row) =
        *reinterpret_cast<const std::uint32_t*>(&shared.words[column][row]);
  }
}

__global__ void __launch_bounds__(device::kThreads, 4)
    flip_weights_kernel(const __grid_constant__ Weights weights) {
  __shared__ Shared shared;
  const Weight& weight = weights.of_block(blockIdx.x);
  flip_patch(weight, blockIdx.x - weight.first_block, shared);
}

}  // namespace

void flip_weights(std::span<const FlippedWeight> weights, Stream stream) {
  while (!weights.empty()) {
    const std::size_t count = std::min<std::size_t>(weights.size(), kMostWeights);
    Weights some{};
    unsigned blocks = 0;
    for (const FlippedWeight& weight : weights.first(count)) {
      assert(weight.columns % kGroupInputs == 0 && weight.outputs % kGroupOutputs == 0);
      assert(weight.zeroed != nullptr || !weight.how.zeroes());
      const auto of_row =
          static_cast<unsigned>((weight.columns + kPatchColumns - 1) / kPatchColumns);
      some.all[some.count++] = {weight.data,
                                weight.values,
                                weight.zeroed,
                                weight.pitch,
                                static_cast<int>(weight.outputs),
                                static_cast<int>(weight.columns),
                                blocks,
                                of_row,
                                plan_of(weight.how)};
      blocks += of_row * static_cast<unsigned>((weight.outputs + kPatchRows - 1) / kPatchRows);
    }
    flip_weights_kernel<<<blocks, device::kThreads, 0, device::native(stream)>>>(some);
    PARADIGM_CUDA_CHECK(cudaGetLastError());
    weights = weights.subspan(count);
  }
}

}  // namespace kernels::cuda
