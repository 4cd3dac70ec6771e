// SPDX-License-Identifier: GPL-3.0-or-later
// A row of an RMSNorm in the registers of some warps of a block: of the usual widths every element
// is read once.
#pragma once

#include "kernels/device/range.cuh"
#include "kernels/device/rows.cuh"

#include <algorithm>
#include <initializer_list>
#include <type_traits>

namespace kernels::device {

constexpr int kMostColumns = 2048;  ///< of a row that stays in registers
/// Packs of four, or of eight, of a lane: more would leave no registers for other rows; with three
/// eights rows of 768 and 1536 leave no warp idle.
constexpr int kMostFours = 4, kMostEights = 3;

/// Of a row that a warp takes at once, `count` neighbours a lane.
constexpr int columns_of_warp(int count) { return 32 * count; }

/// The warps of a block, kRowWarps of them for each row.
template <int kRowWarps>
struct RowWarps {
  static constexpr int kRows = kWarps / kRowWarps;  ///< rows of a block at a time

  int row = threadIdx.x / 32 / kRowWarps;
  int warp = threadIdx.x / 32 % kRowWarps;  ///< of the row

  /// Over the row's warps, all of which call it. `turn` counts the calls: neighbours write to
  /// different places.
  __device__ float sum(float value, int turn) const {
    value = warp_sum(value);
    if constexpr (kRowWarps > 1) {
      __shared__ float parts[2][kWarps];
      if (threadIdx.x % 32 == 0) parts[turn % 2][threadIdx.x / 32] = value;
      asm volatile("bar.sync %0, %1;" ::"r"(row + 1), "r"(32 * kRowWarps) : "memory");
      value = 0;
#pragma unroll
      for (int other = 0; other < kRowWarps; ++other) {
        value += parts[turn % 2][row * kRowWarps + other];
      }
    }
    return value;
  }

  /// Calls work(first column of kCount, pack) for the lane's share of a row.
  template <int kPacks, int kCount = 4, typename Work>
  __device__ void for_packs(std::int64_t width, const Work& work) const {
#pragma unroll
    for (int pack = 0; pack < kPacks; ++pack) {
      const std::int64_t column =
          (warp * kPacks + pack) * columns_of_warp(kCount) + threadIdx.x % 32 * kCount;
      if (column < width) work(column, pack);
    }
  }
};

/// Calls work(packs, warps) as integral constants for a row of `width` columns, at most kMost packs
/// of kCount of a lane where the row has warps enough.
template <int kMost, int kCount = 4, typename Work>
void with_row_shape(std::int64_t width, Work&& work) {
  const std::int64_t packs = (width + columns_of_warp(kCount) - 1) / columns_of_warp(kCount);
  const auto with_warps = [&](auto row_warps) {
    const std::int64_t of_warp = (packs + row_warps() - 1) / row_warps();
    if (of_warp == 1) return work(std::integral_constant<int, 1>{}, row_warps);
    if constexpr (kMost <= 2) return work(std::integral_constant<int, 2>{}, row_warps);
    if constexpr (kMost > 2) {
      if (of_warp == 2) return work(std::integral_constant<int, 2>{}, row_warps);
      if (of_warp == 3) return work(std::integral_constant<int, 3>{}, row_warps);
      work(std::integral_constant<int, kMost>{}, row_warps);
    }
  };
  if (packs <= kMost) return with_warps(std::integral_constant<int, 1>{});
  if (packs <= 2 * kMost) return with_warps(std::integral_constant<int, 2>{});
  if (packs <= 4 * kMost) return with_warps(std::integral_constant<int, 4>{});
  with_warps(std::integral_constant<int, 8>{});
}

/// Calls work(neighbours that a lane takes in one access) as an integral constant: 16 bytes where
/// all of `rows` can be read so.
template <typename T, typename Work>
void with_access(std::int64_t width, std::initializer_list<const void*> rows, Work&& work) {
  if constexpr (sizeof(T) == 2) {
    if (width % 8 == 0 && std::all_of(rows.begin(), rows.end(), aligned_for_eight)) {
      return work(std::integral_constant<int, 8>{});
    }
  }
  work(std::integral_constant<int, 4>{});
}

/// Calls work(count, packs, warps) as integral constants for norm_row(): one choice for all kernels
/// that norm rows, so that they sum in the same order.
template <typename T, typename Work>
void with_norm_shape(std::int64_t width, std::initializer_list<const void*> rows, Work&& work) {
  with_access<T>(width, rows, [&](auto count) {
    with_row_shape<count() == 8 ? kMostEights : kMostFours, count()>(
        width, [&](auto packs, auto row_warps) { work(count, packs, row_warps); });
  });
}

/// y = (x + what is added) · scale · weight of one row, which stays in registers. `add` gets the
/// place of kCount neighbours and their values, to change. All warps of the row call it, for rows
/// from `rows` on as well; `turn` as of RowWarps::sum.
template <int kPacks, int kCount = 4, int kRowWarps, typename T, typename Add>
__device__ void norm_row(const RowWarps<kRowWarps>& warps, const T* x, const float* weight,
                         std::int64_t row, std::int64_t rows, std::int64_t width, float epsilon,
                         int turn, const Add& add, T* y, float* scales, ThreadRange& seen) {
  const bool exists = row < rows;
  float value[kPacks][kCount];
  float squares = 0;
  if (exists) {
    warps.template for_packs<kPacks, kCount>(width, [&](std::int64_t column, int pack) {
      const std::int64_t at = row * width + column;
      load(x + at, value[pack]);
      add(at, value[pack]);
#pragma unroll
      for (int i = 0; i < kCount; ++i) squares = fmaf(value[pack][i], value[pack][i], squares);
    });
  }
  const float scale = rsqrtf(warps.sum(squares, turn) / static_cast<float>(width) + epsilon);
  if (!exists) return;
  if (warps.warp == 0 && threadIdx.x % 32 == 0) scales[row] = scale;
  warps.template for_packs<kPacks, kCount>(width, [&](std::int64_t column, int pack) {
    float factor[kCount];
    load(weight + column, factor);
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      factor[i] = rounded_to<T>(rounded_to<T>(value[pack][i] * scale) * rounded_to<T>(factor[i]));
      seen.add(factor[i]);
    }
    store(factor, y + row * width + column);
  });
}

}  // namespace kernels::device
