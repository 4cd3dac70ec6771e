// SPDX-License-Identifier: GPL-3.0-or-later
// The flips of a group by column, for its weights' gradients: a block for a panel of a layer.
#pragma once

#include "kernels/bit_flip/noted_group.cuh"

namespace kernels::bit_flips {

constexpr int kSegmentsOfThread = 2;
constexpr int kFound = 512;
constexpr int kMostListWarps = 8;

struct ListShared {
  std::uint32_t found[kFound];  ///< kEntries · segment + entry
  int of_warp[kMostListWarps];
};

/// How many of the block's threads before this one have how many; the sum of all in `total`.
__device__ inline int count_before(int own, ListShared& shared, int& total) {
  const int lane = static_cast<int>(threadIdx.x % 32), warp = static_cast<int>(threadIdx.x / 32);
  int up_to = own;
#pragma unroll
  for (int distance = 1; distance < 32; distance *= 2) {
    const int before = __shfl_up_sync(0xFFFFFFFFu, up_to, distance);
    if (lane >= distance) up_to += before;
  }
  __syncthreads();  // the counts of the round before are read
  if (lane == 31) shared.of_warp[warp] = up_to;
  __syncthreads();
  int before_warp = 0;
  total = 0;
  for (int other = 0; other < static_cast<int>(blockDim.x / 32); ++other) {
    if (other < warp) before_warp += shared.of_warp[other];
    total += shared.of_warp[other];
  }
  return before_warp + up_to - own;
}

/// The columns of a segment's entries: of the first, and all there are but for once in a million
/// segments, without waiting for their count.
struct SegmentColumns {
  static constexpr int kFirst = 16;
  uint4 pairs[2];
  int count;

  __device__ void load(const Group& group, int layer, unsigned segment) {
    count = 0;
    if (segment >= group.rows.segments) return;
    const auto* const from =
        reinterpret_cast<const uint4*>(columns_of(group.notes, group.rows, layer, segment));
    pairs[0] = from[0];
    pairs[1] = from[1];
    count = count_of(group.notes, group.rows, layer, segment);
  }
  /// Calls work(entry) for those in the panel; `all`: of the segment.
  template <typename Work>
  __device__ void for_panel(const std::uint16_t* all, int first_column, const Work& work) const {
    const std::uint32_t words[8] = {pairs[0].x, pairs[0].y, pairs[0].z, pairs[0].w,
                                    pairs[1].x, pairs[1].y, pairs[1].z, pairs[1].w};
#pragma unroll
    for (int k = 0; k < kFirst; ++k) {
      const unsigned column = (words[k / 2] >> (16 * (k % 2)) & 0xFFFF) - first_column;
      if (k < count && column < kPanel) work(k);
    }
    for (int k = kFirst; k < count; ++k) {
      if (static_cast<unsigned>(all[k] - first_column) < kPanel) work(k);
    }
  }
};

/// Panels of all layers.
PARADIGM_HOST_DEVICE inline unsigned lists_of(const Group& group) {
  return static_cast<unsigned>(group.layers * group.rows.columns / kPanel);
}

/// Every thread of a block, whole warps, calls it; `place` counts the panels of all layers.
__device__ inline void list_panel(const Group& group, unsigned place, ListShared& shared) {
  const auto panels = static_cast<unsigned>(group.rows.columns / kPanel);
  const auto layer = static_cast<int>(place / panels), panel = static_cast<int>(place % panels);
  const auto threads = static_cast<int>(blockDim.x);
  cuda::ColumnFlip* const flips = group.notes.panels + std::int64_t{place} * group.room;
  int listed = 0;
  for (unsigned round = 0; round < group.rows.segments; round += kSegmentsOfThread * blockDim.x) {
    const unsigned first = round + threadIdx.x * kSegmentsOfThread;
    SegmentColumns columns[kSegmentsOfThread];
#pragma unroll
    for (int k = 0; k < kSegmentsOfThread; ++k) columns[k].load(group, layer, first + k);
    const auto for_own = [&](const auto& work) {
#pragma unroll
      for (int k = 0; k < kSegmentsOfThread; ++k) {
        columns[k].for_panel(columns_of(group.notes, group.rows, layer, first + k), panel * kPanel,
                             [&](int entry) { work(first + k, entry); });
      }
    };
    int own = 0, total = 0;
    for_own([&](unsigned, int) { ++own; });
    const int before = count_before(own, shared, total);
    for (int begin = 0; begin < total; begin += kFound) {
      int at = before - begin;
      for_own([&](unsigned segment, int entry) {
        if (at >= 0 && at < kFound) {
          shared.found[at] = segment * kEntries + static_cast<unsigned>(entry);
        }
        ++at;
      });
      __syncthreads();
      const int found = min(kFound, total - begin);
      for (int k = static_cast<int>(threadIdx.x); k < found; k += threads) {
        const unsigned segment = shared.found[k] / kEntries;
        const cuda::FlipEntry entry =
            entries_of(group.notes, group.rows, layer, segment)[shared.found[k] % kEntries];
        const std::uint32_t row =
            segment * static_cast<unsigned>(group.rows.of_segment) + entry.row;
        const std::uint32_t column = (entry.column & cuda::FlipEntry::kColumn) % kPanel;
        if (listed + k < group.room) {
          flips[listed + k] = {row * kPanel + column, entry.base, entry.value};
        }
      }
      listed += found;
      __syncthreads();
    }
  }
  if (threadIdx.x == 0) group.notes.panel_counts[place] = min(listed, group.room);
}

}  // namespace kernels::bit_flips
