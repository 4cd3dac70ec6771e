// SPDX-License-Identifier: GPL-3.0-or-later
// The codes of the scores in memory: the first sweep draws the noise and writes them, every other
// sweep reads them, so that no product of q and k and no noise is made twice. One tile of 64
// queries x 64 keys lies in one piece, in the order in which the lanes of a warp hold its scores;
// tiles that no query sees are not stored. Long sequences go in chunks of queries, so that memory
// grows with the sequence and not with its square.
#pragma once

#include "kernels/optical_attention/attention_tiles.cuh"

#include <algorithm>

namespace kernels::optical_attention {

/// One byte holds a code of up to 256 levels, two hold the rest.
template <typename Work>
void with_code_type(std::int32_t levels, Work&& work) {
  if (levels <= 256) {
    work(std::uint8_t{});
  } else {
    work(std::uint16_t{});
  }
}

/// Four codes of consecutive keys for each of the rows r and r + 8.
template <typename Code>
struct alignas(8 * sizeof(Code)) CodePair {
  static constexpr int kWords = 2 * sizeof(Code);
  std::uint32_t word[kWords];

  __device__ void put(int half, const float (&lifted)[4]) {
    const auto bits = [&](int i) { return __float_as_uint(lifted[i]); };
    if constexpr (sizeof(Code) == 1) {
      const std::uint32_t low = __byte_perm(bits(0), bits(1), 0x0040);
      word[half] = __byte_perm(low, __byte_perm(bits(2), bits(3), 0x0040), 0x5410);
    } else {
      word[2 * half] = __byte_perm(bits(0), bits(1), 0x5410);
      word[2 * half + 1] = __byte_perm(bits(2), bits(3), 0x5410);
    }
  }

  /// Lifted.
  __device__ void get(int half, float (&lifted)[4]) const {
    const std::uint32_t lift = __float_as_uint(kLift);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      if constexpr (sizeof(Code) == 1) {
        lifted[i] = __uint_as_float(__byte_perm(word[half], lift, 0x7640 | i));
      } else {
        lifted[i] = __uint_as_float(
            __byte_perm(word[2 * half + i / 2], lift, i % 2 == 0 ? 0x7610 : 0x7632));
      }
    }
  }
};

constexpr int kTileCodes = kRows * kRows;

/// Place of the pair of rows r, r + 8 and keys 4 quad ... 4 quad + 3 in a tile. The order of rows
/// in a warp's eight keeps both readers, by queries and by keys, free of bank conflicts.
__device__ inline int pair_place(int row, int quad) {
  const int slot = row % 2 * 4 + row % 8 / 2;
  return ((row / 16 * 4 + quad / 4) * 8 + slot) * 4 + quad % 4;
}

/// Tiles of queries, of every head.
struct QueryChunk {
  std::int64_t first_tile, tiles;
};

/// Longer sequences go in chunks of so many queries: their codes take no more memory for each query
/// of the sequence than the longest that goes in one piece.
constexpr std::int64_t kMostKeysInOnePiece = 2048;
constexpr std::int64_t kQueriesOfChunk = 1024;

inline std::int64_t tiles_of(std::int64_t rows) { return (rows + kRows - 1) / kRows; }

inline std::int64_t tiles_of_chunk(const AttentionExtent& extent) {
  return tiles_of(extent.keys <= kMostKeysInOnePiece ? extent.queries : kQueriesOfChunk);
}

/// Calls work(chunk, is first, is last) for all of them, in order.
template <typename Work>
void for_chunks(const AttentionExtent& extent, Work&& work) {
  const std::int64_t tiles = tiles_of(extent.queries);
  const std::int64_t step = tiles_of_chunk(extent);
  for (std::int64_t first = 0; first < tiles; first += step) {
    const QueryChunk chunk{first, std::min(step, tiles - first)};
    work(chunk, first == 0, first + chunk.tiles == tiles);
  }
}

/// Where the tiles of a chunk lie.
struct CodeTiles {
  QueryChunk chunk;
  std::int64_t key_tiles;
  bool triangle;  ///< as many queries as keys: only tiles on and below the diagonal

  PARADIGM_HOST_DEVICE CodeTiles(const AttentionExtent& extent, const QueryChunk& of)
      : chunk(of),
        key_tiles((extent.keys + kRows - 1) / kRows),
        triangle(extent.queries == extent.keys) {}

  PARADIGM_HOST_DEVICE std::int64_t before(std::int64_t query_tile) const {
    return triangle ? query_tile * (query_tile + 1) / 2 : query_tile * key_tiles;
  }

  PARADIGM_HOST_DEVICE std::int64_t of_head() const {
    return before(chunk.first_tile + chunk.tiles) - before(chunk.first_tile);
  }

  /// In codes. `head` counts all heads of the batch.
  __device__ std::int64_t first_code(std::int64_t head, std::int64_t query_tile,
                                     std::int64_t key_tile) const {
    const std::int64_t row = before(query_tile) - before(chunk.first_tile);
    return (head * of_head() + row + key_tile) * kTileCodes;
  }
};

/// A tile of codes in shared memory.
template <typename Code>
struct CodeTile {
  static constexpr int kBytes = kTileCodes * static_cast<int>(sizeof(Code));
  unsigned char* memory;

  __device__ void load(const void* codes, std::int64_t first_code) const {
    const auto* source = reinterpret_cast<const unsigned char*>(codes) + first_code * sizeof(Code);
    const std::uint32_t target = device::shared_address(memory);
    for (int at = threadIdx.x * 16; at < kBytes; at += kThreads * 16) {
      device::copy_async(target + at, source + at, true);
    }
  }

  __device__ CodePair<Code> pair(int place) const {
    return reinterpret_cast<const CodePair<Code>*>(memory)[place];
  }
};

/// First sweep of a chunk: the codes of Q(q^ k^T; qk_range), `rows.greatest` and
/// `rows.reciprocal_sum`. Folds the range of the visible raw scores into `observed` unless it is
/// null; with `running`, reads out in that range and updates it: only where one chunk is all.
void read_out_scores(const OpticalAttention& how, const QueryChunk& chunk, const HeadRows& q,
                     const HeadRows& k, void* codes, const OpticalAttentionRows& rows,
                     cuda::ObservedRange observed, const cuda::RunningRange& running,
                     Stream stream);

/// The same codes once more, for a gradient whose forward did not keep them.
void read_out_scores_again(const OpticalAttention& how, const QueryChunk& chunk, const HeadRows& q,
                           const HeadRows& k, void* codes, Stream stream);

/// A block of threads for each tile of queries.
inline dim3 query_grid(const AttentionExtent& extent, const QueryChunk& chunk) {
  return {static_cast<unsigned>(chunk.tiles), static_cast<unsigned>(extent.heads),
          static_cast<unsigned>(extent.batch)};
}

/// The block's tile, the longest rows first: the last blocks to start are then the shortest.
__device__ inline std::int64_t query_tile_of_block(const QueryChunk& chunk) {
  return chunk.first_tile + gridDim.x - 1 - blockIdx.x;
}

}  // namespace kernels::optical_attention
