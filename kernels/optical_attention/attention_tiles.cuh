// SPDX-License-Identifier: GPL-3.0-or-later
// What the sweeps of optical attention share: tiles of 16-bit rows in shared memory, and the
// read-out of raw scores. Keys are dealt to the columns of a fragment so that a lane holds four
// consecutive keys of a row: one block of the noise. key_of_slot() is that order; products over
// keys use it on both sides, so it never shows in a result.
#pragma once

#include "kernels/device/launch.cuh"
#include "kernels/device/mma.cuh"
#include "kernels/device/noise.cuh"
#include "kernels/device/range.cuh"
#include "kernels/level_quantiser/level.h"
#include "kernels/optical_attention/optical_attention.h"

#include <cstdint>
#include <type_traits>

namespace kernels::optical_attention {

using device::greatest;
using device::least;

constexpr int kThreads = 128;
constexpr int kRows = 64;  ///< queries or keys of a tile
/// Blocks of each sweep on one multiprocessor.
constexpr int kBlocksOfReadOut = 4;
constexpr int kBlocksOfContext = 4;
constexpr int kBlocksOfQueryGradient = 4;
constexpr int kBlocksOfKeyGradient = 2;

/// Key of slot 0 ... 15 in a group of 16: slots 2t, 2t + 1 and 8 + 2t, 9 + 2t are keys 4t ... 4t
/// + 3.
__device__ inline int key_of_slot(int slot) {
  return 4 * (slot % 8 / 2) + slot % 2 + 2 * (slot / 8);
}

/// How rows of a tile are spread over the banks. `kQueries`: eight consecutive rows are read
/// together; `kKeys`: the rows of key_of_slot(0 ... 7); `kKeyQuads`: every fourth row.
enum class Spread { kQueries, kKeys, kKeyQuads };

template <Spread spread>
__device__ int bank_shift(int row) {
  if constexpr (spread == Spread::kQueries) return row;
  if constexpr (spread == Spread::kKeys) return (row & 1) | (row >> 2 & 3) << 1;
  return row >> 2;
}

/// Rows of head_dim 16-bit elements in shared memory, 16-byte chunks swizzled.
template <int head_dim, Spread spread>
struct Tile {
  static constexpr int kChunks = head_dim / 8;
  static constexpr int bytes(int rows) { return rows * head_dim * 2; }

  std::uint32_t base;  ///< shared-memory address

  __device__ std::uint32_t address(int row, int chunk) const {
    return base + row * (head_dim * 2) + ((chunk ^ (bank_shift<spread>(row) & (kChunks - 1))) << 4);
  }

  /// Copies rows [first, first + rows) of a matrix that has `limit` rows; the rest becomes zero.
  __device__ void load(const void* data, std::int64_t row_stride, std::int64_t first, int rows,
                       std::int64_t limit) const {
    for (int i = threadIdx.x; i < rows * kChunks; i += kThreads) {
      const int row = i / kChunks;
      const int chunk = i % kChunks;
      const bool valid = first + row < limit;
      const std::int64_t source = valid ? (first + row) * row_stride : 0;
      copy_async_to(row, chunk, static_cast<const std::uint16_t*>(data) + source, valid);
    }
  }

 private:
  __device__ void copy_async_to(int row, int chunk, const std::uint16_t* row_data,
                                bool valid) const {
    device::copy_async(address(row, chunk), row_data + chunk * 8, valid);
  }
};

__device__ inline const std::uint16_t* head_of(const HeadRows& rows, std::int64_t batch,
                                               std::int64_t head) {
  return static_cast<const std::uint16_t*>(rows.data) + batch * rows.batch_stride +
         head * rows.head_stride;
}

/// 1.5 * 2^23: a sum with it rounds to an integer, ties to even, for |x| < 2^22. A code k is
/// carried "lifted", as kLift + k: differences are exact, and its low bits are k.
constexpr float kLift = 12582912.0f;

/// What the read-out of the scores draws; a kernel parameter, so that the keys are constants.
struct ScoreNoise {
  PhiloxRoundKeys keys;
  NoiseStream stream;

  explicit ScoreNoise(const NoiseStream& noise) : keys(noise.key), stream(noise) {}
};

/// P from the code of a score.
struct Softmax {
  float exponent_step;  ///< one code's share of the exponent of 2: scale * log2(e) * width / top
  float top;            ///< levels - 1

  __device__ explicit Softmax(const OpticalAttention& how) {
    const FastLevelGrid grid(how.qk_range, how.levels);
    top = grid.top;
    exponent_step = how.scale * 1.44269504088896341f * (grid.width / grid.top);
  }

  /// Both codes lifted, or neither.
  __device__ float exponential(float code, float greatest_code) const {
    return device::exp2_fast((code - greatest_code) * exponent_step);
  }
};

/// The noisy read-out of raw scores, as codes 0 ... L - 1: the softmax needs only their
/// differences.
struct ScoreReader {
  float lo, hi, divisor, reciprocal, top;
  const PhiloxRoundKeys& keys;
  NoiseTime time;
  std::uint64_t first_block;

  __device__ ScoreReader(const OpticalAttention& how, const ScoreNoise& noise)
      : keys(noise.keys),
        time(device::time_of(noise.stream)),
        first_block(noise.stream.first_element / 4) {
    const FastLevelGrid grid(how.qk_range, how.levels);
    lo = grid.lo;
    hi = grid.hi;
    divisor = grid.divisor;
    reciprocal = grid.reciprocal;
    top = grid.top;
  }

  /// Four consecutive keys of each of `count` rows, the first key a multiple of 4. In place: raw
  /// scores become lifted codes, those of LevelGrid. `block` counts fours of the batch's scores;
  /// `further` is added to each. What several rows draw is computed side by side.
  template <bool noisy, int count>
  __device__ void read_out(float (&score)[count][4], const std::uint64_t (&block)[count],
                           int further) const {
    PhiloxBlock words[count] = {};
    if (noisy) {
      std::uint64_t counter[count];
#pragma unroll
      for (int row = 0; row < count; ++row) counter[row] = first_block + block[row] + further;
      noise_blocks(keys, counter, time, words);
    }
#pragma unroll
    for (int row = 0; row < count; ++row) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const float above = least(greatest(score[row][i], lo), hi) - lo;
        const float v = FastLevelGrid::quotient(above, divisor, reciprocal) * top;
        const float xi = noisy ? uniform_from_word(words[row].word[i]) - 0.5f : 0.0f;
        // v + xi >= -0.5 rounds to no less than 0.
        score[row][i] = least((v + xi) + kLift, top + kLift);
      }
    }
  }
};

/// One head of one sequence, as a block of threads sees it.
struct Head {
  std::int64_t batch, head, kv_head;
  std::int64_t row;  ///< index of its query 0 among all rows of the batch

  __device__ Head(const AttentionExtent& extent, std::int64_t batch_index, std::int64_t head_index)
      : batch(batch_index),
        head(head_index),
        kv_head(head_index * extent.kv_heads / extent.heads),
        row((batch_index * extent.heads + head_index) * extent.queries) {}
};

/// The queries of one block of threads: 16 for each warp, as A fragments.
template <int head_dim>
struct QueryFragments {
  std::uint32_t part[head_dim / 16][4];

  __device__ void load(const Tile<head_dim, Spread::kQueries>& tile) {
    const int lane = threadIdx.x % 32;
    const int row = threadIdx.x / 32 * 16 + lane % 16;
#pragma unroll
    for (int k = 0; k < head_dim / 16; ++k) {
      device::load_matrices(part[k], tile.address(row, 2 * k + lane / 16));
    }
  }
};

constexpr int kGroup = 16;  ///< keys whose scores a warp holds at a time

/// score[eight]: rows of `a` against the 16 keys of `group` in a tile.
template <int head_dim, typename Type>
__device__ void multiply_by_keys(const QueryFragments<head_dim>& a,
                                 const Tile<head_dim, Spread::kKeys>& keys, int group,
                                 float (&score)[2][4]) {
  const int lane = threadIdx.x % 32;
  const int matrix = lane / 8;
  const int row = kGroup * group + key_of_slot(lane % 8 + 8 * (matrix / 2));
#pragma unroll
  for (int eight = 0; eight < 2; ++eight)
    for (int i = 0; i < 4; ++i) score[eight][i] = 0;
#pragma unroll
  for (int k = 0; k < head_dim / 16; ++k) {
    std::uint32_t b[4];
    device::load_matrices(b, keys.address(row, 2 * k + matrix % 2));
    Type::multiply_add(score[0], a.part[k], b[0], b[1]);
    Type::multiply_add(score[1], a.part[k], b[2], b[3]);
  }
}

/// sum += weights (rows x 16 keys of `group`) times the rows of a tile.
template <int head_dim, typename Type>
__device__ void add_weighted_rows(const std::uint32_t (&weights)[4],
                                  const Tile<head_dim, Spread::kKeys>& tile, int group,
                                  float (&sum)[head_dim / 8][4]) {
  const int lane = threadIdx.x % 32;
  const int matrix = lane / 8;
  const int row = kGroup * group + key_of_slot(lane % 8 + 8 * (matrix % 2));
#pragma unroll
  for (int n = 0; n < head_dim / 8; n += 2) {
    std::uint32_t b[4];
    device::load_matrices_transposed(b, tile.address(row, n + matrix / 2));
    Type::multiply_add(sum[n], weights, b[0], b[1]);
    Type::multiply_add(sum[n + 1], weights, b[2], b[3]);
  }
}

/// The query rows of a lane (`row` and `row + 8` of a tile) and what they see of one tile of keys.
struct LaneRows {
  int row;         ///< in the tile of queries
  int visible[2];  ///< keys of the tile that each row sees, counted from the lane's first key

  __device__ LaneRows() : row(threadIdx.x / 32 * 16 + threadIdx.x % 32 / 4), visible{0, 0} {}

  /// A row beyond the last query sees nothing.
  __device__ void look_at(const AttentionExtent& extent, std::int64_t first_query,
                          std::int64_t first_key) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const std::int64_t query = first_query + row + 8 * half;
      const std::int64_t seen =
          query < extent.queries ? query + extent.keys - extent.queries + 1 - first_key : 0;
      visible[half] = static_cast<int>(min(max(seen, std::int64_t{0}), std::int64_t{kRows})) -
                      4 * static_cast<int>(threadIdx.x % 4);
    }
  }
};

/// Whether every row of the warp exists and sees every key of the tile.
__device__ inline bool sees_all(const AttentionExtent& extent, std::int64_t first_query,
                                std::int64_t first_key) {
  const std::int64_t warp_query = first_query + threadIdx.x / 32 * 16;
  return warp_query + 16 <= extent.queries && first_key + kRows <= extent.keys &&
         warp_query + extent.keys - extent.queries + 1 >= first_key + kRows;
}

/// The scores of row `half` of a lane: keys 4t ... 4t + 3 of their group, t = lane % 4.
__device__ inline void take_four(const float (&score)[2][4], int half, float (&four)[4]) {
#pragma unroll
  for (int i = 0; i < 4; ++i) four[i] = score[i / 2][2 * half + i % 2];
}

/// Keys that some query of the tile sees, rounded up to whole tiles.
__device__ inline int visible_tiles(const AttentionExtent& extent, std::int64_t first_query) {
  const std::int64_t last = min(first_query + kRows, extent.queries) - 1;
  const std::int64_t visible =
      min(max(last + extent.keys - extent.queries + 1, std::int64_t{0}), extent.keys);
  return static_cast<int>((visible + kRows - 1) / kRows);
}

template <typename Work>
void with_head_dim(std::int64_t head_dim, Work&& work) {
  if (head_dim == 32) {
    work(std::integral_constant<int, 32>{});
  } else {
    work(std::integral_constant<int, 64>{});
  }
}

}  // namespace kernels::optical_attention
