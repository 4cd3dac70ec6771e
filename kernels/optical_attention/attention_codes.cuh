// SPDX-License-Identifier: GPL-3.0-or-later
// The codes of the scores in memory: the first sweep draws the noise and writes them, every other
// sweep reads them, so that no product of q and k and no noise is made twice. One tile of 64
// queries x 64 keys lies in one piece, in the order in which the lanes of a warp hold its scores;
// tiles that no query sees are not stored. Long sequences go in chunks of queries, so that memory
// grows with the sequence and not with its square.
#pragma once

#include "kernels/optical_attention/attention_tiles.cuh"
#include "kernels/optical_attention/score_read_out.cuh"

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
  static constexpr int kWords = sizeof(Code);  // of a row
  std::uint32_t word[2][kWords];

  /// The low bits of four lifted codes.
  __device__ void put(int row, float c0, float c1, float c2, float c3) {
    const auto bits = [](float code) { return __float_as_uint(code); };
    if constexpr (sizeof(Code) == 1) {
      const std::uint32_t low = __byte_perm(bits(c0), bits(c1), 0x0040);
      word[row][0] = __byte_perm(low, __byte_perm(bits(c2), bits(c3), 0x0040), 0x5410);
    } else {
      word[row][0] = __byte_perm(bits(c0), bits(c1), 0x5410);
      word[row][1] = __byte_perm(bits(c2), bits(c3), 0x5410);
    }
  }

  /// `lift`: kLift, in a register.
  __device__ float get(int row, int key, float lift) const {
    const std::uint32_t lifting = __float_as_uint(lift);
    const std::uint32_t bits = sizeof(Code) == 1
                                   ? __byte_perm(word[row][0], lifting, 0x7640 | key)
                                   : __byte_perm(key < 2 ? word[row][0] : word[row][kWords - 1],
                                                 lifting, key % 2 == 0 ? 0x7610 : 0x7632);
    return __uint_as_float(bits) - lift;
  }
};

constexpr int kTileCodes = kRows * kRows;

/// Place of the pair of rows r, r + 8 and keys 4 quad ... 4 quad + 3 in a tile. The order of rows
/// in a warp's eight keeps both readers, by queries and by keys, free of bank conflicts.
constexpr int kPairsOfKeyGroup = 32;  ///< from one 16 keys to the next
constexpr int kPairsOfRowGroup = 4 * kPairsOfKeyGroup;
constexpr int kPairsOfRow = 16;  ///< from an even row to the odd one behind it
PARADIGM_HOST_DEVICE inline int pair_place(int row, int quad) {
  return row / 16 * kPairsOfRowGroup + quad / 4 * kPairsOfKeyGroup + row % 2 * kPairsOfRow +
         row % 8 / 2 * 4 + quad % 4;
}

/// Tiles of queries, of every head.
struct QueryChunk {
  std::int64_t first_tile, tiles;
};

/// Longer sequences go in chunks of so many queries: their codes take no more memory for each query
/// of the sequence than the longest that goes in one piece.
constexpr std::int64_t kMostKeysInOnePiece = 2048;
constexpr std::int64_t kQueriesOfChunk = 1024;

PARADIGM_HOST_DEVICE inline std::int64_t tiles_of(std::int64_t rows) {
  return (rows + kRows - 1) / kRows;
}

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

/// Where the codes of a chunk lie.
struct CodeTiles {
  unsigned char *kept, *rest;
  std::int64_t first_tile, first_of_rest, end;  ///< tiles of queries
  std::int64_t key_tiles;
  std::int32_t code_bytes;
  bool triangle;  ///< as many queries as keys: only tiles on and below the diagonal

  CodeTiles(const OpticalAttention& how, const QueryChunk& chunk, const AttentionCodes& codes)
      : kept(static_cast<unsigned char*>(codes.kept)),
        rest(static_cast<unsigned char*>(codes.rest)),
        first_tile(chunk.first_tile),
        first_of_rest(std::max(chunk.first_tile, tiles_of(codes.kept_queries))),
        end(chunk.first_tile + chunk.tiles),
        key_tiles(tiles_of(how.extent.keys)),
        code_bytes(how.levels <= 256 ? 1 : 2),
        triangle(how.extent.queries == how.extent.keys) {}

  PARADIGM_HOST_DEVICE std::int64_t before(std::int64_t query_tile) const {
    return triangle ? query_tile * (query_tile + 1) / 2 : query_tile * key_tiles;
  }

  std::int64_t kept_bytes_of_head() const {
    return (before(first_of_rest) - before(first_tile)) * kTileCodes * code_bytes;
  }
  std::int64_t rest_bytes_of_head() const {
    return (before(end) - before(first_of_rest)) * kTileCodes * code_bytes;
  }

  /// The codes of a tile of queries from key 0 on. `head` counts all heads of the batch.
  template <typename Code>
  PARADIGM_HOST_DEVICE Code* row(std::int64_t head, std::int64_t query_tile) const {
    const bool is_kept = query_tile < first_of_rest;
    const std::int64_t from = before(is_kept ? first_tile : first_of_rest);
    const std::int64_t to = before(is_kept ? first_of_rest : end);
    const std::int64_t tile = head * (to - from) + before(query_tile) - from;
    return reinterpret_cast<Code*>(is_kept ? kept : rest) + tile * kTileCodes;
  }
};

/// The lane's first pair of a tile of queries: of its rows r and r + 8 and four of the first 16
/// keys.
__device__ inline int pair_of_lane() {
  return pair_place(threadIdx.x / 32 * 16 + threadIdx.x % 32 / 4, threadIdx.x % 4);
}

/// The lane's codes of one tile after the other, straight from memory.
template <typename Code>
class PairStream {
 public:
  CodePair<Code> group[kRows / kGroup];

  __device__ explicit PairStream(const Code* codes)
      : next_(reinterpret_cast<const CodePair<Code>*>(codes) + pair_of_lane()) {}

  __device__ void load() {
#pragma unroll
    for (int i = 0; i < kRows / kGroup; ++i) group[i] = next_[i * kPairsOfKeyGroup];
    next_ += kTileCodes / 8;
  }

 private:
  const CodePair<Code>* next_;
};

/// First sweep of a chunk: the codes of Q(q^ k^T; qk_range), and the rows' exponents. Folds the
/// range of the visible raw scores into `observed` unless it is null; with `running`, reads out in
/// that range and updates it: only where one chunk is all.
void read_out_scores(const OpticalAttention& how, const QueryChunk& chunk, const HeadRows& q,
                     const HeadRows& k, const CodeTiles& codes, float* exponent,
                     cuda::ObservedRange observed, const cuda::RunningRange& running,
                     Stream stream);

/// Codes once more, for a gradient whose forward did not keep them.
void read_out_scores_again(const OpticalAttention& how, const QueryChunk& chunk, const HeadRows& q,
                           const HeadRows& k, const CodeTiles& codes, Stream stream);

/// Second sweep of a chunk: the context and rows.exact_context.
void add_context(const OpticalAttention& how, const QueryChunk& chunk, const CodeTiles& codes,
                 const HeadRows& v, const HeadRows& exact_v, float* context,
                 const OpticalAttentionRows& rows, Stream stream);

/// The same with the context's read-out. Only where one chunk is all.
void read_out_context(const OpticalAttention& how, const QueryChunk& chunk, const CodeTiles& codes,
                      const HeadRows& v, const HeadRows& exact_v,
                      const cuda::ContextReadOut& read_out, const OpticalAttentionRows& rows,
                      Stream stream);

/// A block of threads for each tile of queries: first those of all heads with the longest rows, so
/// that the last blocks to start are the shortest.
inline dim3 query_grid(const AttentionExtent& extent, const QueryChunk& chunk) {
  return {static_cast<unsigned>(extent.heads), static_cast<unsigned>(extent.batch),
          static_cast<unsigned>(chunk.tiles)};
}

__device__ inline std::int64_t query_tile_of_block(const QueryChunk& chunk) {
  return chunk.first_tile + gridDim.z - 1 - blockIdx.z;
}

}  // namespace kernels::optical_attention
