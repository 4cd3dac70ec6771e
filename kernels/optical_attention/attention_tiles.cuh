// SPDX-License-Identifier: GPL-3.0-or-later
// What the sweeps of optical attention share: which rows a block of threads has, and tiles of
// 16-bit rows in shared memory. A block is four warps with 64 rows; a warp has 16 of them, as
// fragments of the matrix unit.
#pragma once

#include "kernels/device/launch.cuh"
#include "kernels/device/mma.cuh"
#include "kernels/device/wgmma.cuh"
#include "kernels/optical_attention/optical_attention.h"

#include <cstdint>
#include <type_traits>

namespace kernels::optical_attention {

constexpr int kThreads = 128;
constexpr int kRows = 64;   ///< queries or keys of a tile
constexpr int kGroup = 16;  ///< keys among which the order of a tile is another than in memory

/// Which rows of a matrix lie where in a tile. Products over keys use the same order on both
/// sides, so it never shows in a result.
enum class Order {
  kAsIs,
  kQuads,  ///< slots 2t, 2t + 1 and 8 + 2t, 9 + 2t of each 16 are keys 4t ... 4t + 3: a lane, whose
           ///< columns those are, has the four keys that share a block of noise
  kPairs,  ///< slots g and 8 + g of each 16 are keys 2g and 2g + 1: a lane, whose rows those are,
           ///< has neighbours
};

template <Order order>
__device__ int row_of_slot(int slot) {
  if constexpr (order == Order::kQuads) return 4 * (slot % 8 / 2) + slot % 2 + 2 * (slot / 8);
  if constexpr (order == Order::kPairs) return 2 * (slot % 8) + slot / 8;
  return slot;
}

/// 64 rows of head_dim 16-bit elements in shared memory, their 16-byte chunks swizzled so that
/// eight rows meet in no bank, as the matrix unit expects it.
template <int head_dim>
struct Tile {
  static constexpr int kRowBytes = head_dim * 2;
  static constexpr int kChunks = head_dim / 8;
  static constexpr int kBytes = kRows * kRowBytes;

  std::uint32_t base;  ///< shared-memory address, a multiple of 1024
  std::uint32_t unit;  ///< base / 16, as the matrix unit counts

  __device__ explicit Tile(std::uint32_t address) : base(address), unit(address / 16) {}

  /// The tile that lies so many tiles further on.
  __device__ Tile after(int tiles) const {
    Tile tile(*this);
    tile.base += tiles * kBytes;
    tile.unit += tiles * (kBytes / 16);
    return tile;
  }

  __device__ static int swizzled(int row, int chunk) {
    return chunk ^ (head_dim == 64 ? row % 8 : row / 2 % 4);
  }
  __device__ std::uint32_t address(int row, int chunk) const {
    return base + row * kRowBytes + (swizzled(row, chunk) << 4);
  }
};

/// Where dynamic shared memory begins for tiles; it must be kTileAlignment bytes larger.
constexpr int kTileAlignment = 1024;
__device__ inline std::uint32_t first_tile_address(const void* memory) {
  return (device::shared_address(memory) + kTileAlignment - 1) / kTileAlignment * kTileAlignment;
}

/// The rows of a matrix [limit, head_dim], which a block copies tile by tile: each thread the same
/// chunk of every few rows.
template <int head_dim, Order order>
class TileStream {
 public:
  __device__ TileStream(const std::uint16_t* matrix, std::int64_t row_stride, std::int64_t first,
                        std::int64_t limit)
      : step_(kRowsAtOnce * row_stride), left_(static_cast<int>(limit - first)) {
    const int slot = threadIdx.x / kChunks;
    const int chunk = threadIdx.x % kChunks;
    row_ = slot / kGroup * kGroup + row_of_slot<order>(slot % kGroup);
    next_ = matrix + (first + row_) * row_stride + chunk * 8;
    place_ = slot * Tile<head_dim>::kRowBytes + (Tile<head_dim>::swizzled(slot, chunk) << 4);
  }

  /// The next kRows rows; beyond the matrix they are zero.
  __device__ void load(const Tile<head_dim>& tile) {
    const std::uint32_t to = tile.base + place_;
    constexpr int kBytesAtOnce = kRowsAtOnce * Tile<head_dim>::kRowBytes;
    if (left_ >= kRows) {
#pragma unroll
      for (int i = 0; i < kTimes; ++i) {
        device::copy_async(to + i * kBytesAtOnce, next_);
        next_ += step_;
      }
    } else {
#pragma unroll 1
      for (int i = 0; i < kTimes; ++i) {
        device::copy_async(to + i * kBytesAtOnce, next_, row_ + i * kRowsAtOnce < left_);
        next_ += step_;
      }
    }
    left_ -= kRows;
  }

 private:
  static constexpr int kChunks = Tile<head_dim>::kChunks;
  static constexpr int kRowsAtOnce = kThreads / kChunks;
  static constexpr int kTimes = kRows / kRowsAtOnce;

  const std::uint16_t* next_;
  std::int64_t step_;
  std::uint32_t place_;
  int row_, left_;
};

/// Waits for this thread's copies and for everyone else's.
__device__ inline void wait_for_tiles() {
  device::wait_for_copies<0>();
#ifdef PARADIGM_HAS_WGMMA
  device::warpgroup::publish_copies();
#endif
  __syncthreads();
}

__device__ inline const std::uint16_t* head_of(const HeadRows& rows, std::int64_t batch,
                                               std::int64_t head) {
  return static_cast<const std::uint16_t*>(rows.data) + batch * rows.batch_stride +
         head * rows.head_stride;
}

/// Two neighbours of a row that is written.
__device__ inline std::uint32_t* word_of(const ResultRows& rows, std::int64_t batch,
                                         std::int64_t head, std::int64_t row, std::int64_t at) {
  auto* const data = static_cast<std::uint16_t*>(rows.data) + batch * rows.batch_stride +
                     head * rows.head_stride + row * rows.row_stride + at;
  return reinterpret_cast<std::uint32_t*>(data);
}

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

/// Keys that some query of the tile sees, rounded up to whole tiles.
__device__ inline int visible_tiles(const AttentionExtent& extent, std::int64_t first_query) {
  const std::int64_t last = min(first_query + kRows, extent.queries) - 1;
  const std::int64_t visible =
      min(max(last + extent.keys - extent.queries + 1, std::int64_t{0}), extent.keys);
  return static_cast<int>((visible + kRows - 1) / kRows);
}

/// The first so many tiles of keys are seen whole by a whole tile of queries.
__device__ inline int wholly_visible_tiles(const AttentionExtent& extent,
                                           std::int64_t first_query) {
  const std::int64_t seen = min(first_query + extent.keys - extent.queries + 1, extent.keys);
  return first_query + kRows > extent.queries || seen < 0 ? 0 : static_cast<int>(seen / kRows);
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
