// SPDX-License-Identifier: GPL-3.0-or-later
// Whole rows of a group's input that one block goes through.
#pragma once

#include "kernels/bit_flip/flip_group.h"
#include "kernels/device/launch.cuh"

#include <algorithm>

namespace kernels::bit_flips {

constexpr int kGroupLayers = static_cast<int>(cuda::kMostOfGroup);

inline std::int64_t rows_of_segment(std::int64_t columns) {
  return std::max<std::int64_t>(1, cuda::FlipNotes::kElements / columns);
}

struct Rows {
  std::int64_t rows, columns;
  int of_segment;
  unsigned segments;

  Rows() = default;
  Rows(std::int64_t all_rows, std::int64_t all_columns)
      : rows(all_rows),
        columns(all_columns),
        of_segment(static_cast<int>(rows_of_segment(all_columns))),
        segments(static_cast<unsigned>(cuda::segments_of(all_rows, all_columns))) {}
};

struct Segment {
  unsigned index;
  std::int64_t first_row;
  std::int64_t start;  ///< element
  int count;           ///< of elements

  __device__ Segment(const Rows& rows, unsigned segment)
      : index(segment),
        first_row(std::int64_t{segment} * rows.of_segment),
        start(first_row * rows.columns),
        count(static_cast<int>(min(std::int64_t{rows.of_segment}, rows.rows - first_row) *
                               rows.columns)) {}
};

__device__ inline int count_of(const cuda::FlipNotes& notes, const Rows& rows, int layer,
                               unsigned segment) {
  return notes.counts[static_cast<unsigned>(layer) * rows.segments + segment];
}

__device__ inline cuda::FlipEntry* entries_of(const cuda::FlipNotes& notes, const Rows& rows,
                                              int layer, unsigned segment) {
  return notes.entries +
         (static_cast<std::int64_t>(layer) * rows.segments + segment) * cuda::FlipNotes::kEntries;
}

__device__ inline std::uint16_t* columns_of(const cuda::FlipNotes& notes, const Rows& rows,
                                            int layer, unsigned segment) {
  return notes.columns +
         (static_cast<std::int64_t>(layer) * rows.segments + segment) * cuda::FlipNotes::kEntries;
}

}  // namespace kernels::bit_flips
