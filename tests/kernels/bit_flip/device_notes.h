// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/bit_flip/flip_group.h"
#include "tests/support/cuda_buffer.h"

#ifdef PARADIGM_WITH_CUDA

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tests {

using Words = std::vector<std::uint16_t>;

/// kernels::cuda::FlipNotes in device memory, and what is in them.
class DeviceNotes {
 public:
  DeviceNotes(std::int64_t rows, std::int64_t columns, std::size_t layers)
      : columns_(columns),
        rows_of_segment_(static_cast<std::size_t>(
            std::max<std::int64_t>(1, kernels::cuda::FlipNotes::kElements / columns))),
        segments_(static_cast<std::size_t>(kernels::cuda::segments_of(rows, columns))),
        counts_(layers * segments_),
        entries_(layers * segments_ * kernels::cuda::FlipNotes::kEntries),
        columns_in_(layers * segments_ * kernels::cuda::FlipNotes::kEntries),
        rows_(static_cast<std::size_t>(rows)),
        large_counts_(segments_),
        large_(segments_ * kernels::cuda::FlipNotes::kLargeWords),
        panel_counts_(layers * static_cast<std::size_t>(columns) / 8),
        panels_(layers *
                static_cast<std::size_t>(columns * kernels::cuda::panel_room(rows, columns)) / 8) {}

  kernels::cuda::FlipNotes notes() const {
    return {counts_.data(),       entries_.data(), columns_in_.data(),   rows_.data(),
            large_counts_.data(), large_.data(),   panel_counts_.data(), panels_.data()};
  }

  void forget_lists() const {
    EXPECT_EQ(cudaMemset(panel_counts_.data(), 0, panel_counts_.host().size() * sizeof(int)),
              cudaSuccess);
  }

  struct Entry {
    std::size_t element;
    kernels::cuda::FlipEntry entry;
  };
  std::vector<Entry> entries_of(std::size_t layer) const {
    const auto counts = counts_.host();
    const auto entries = entries_.host();
    std::vector<Entry> all;
    for (std::size_t segment = 0; segment < segments_; ++segment) {
      const std::size_t place = layer * segments_ + segment;
      for (int k = 0; k < counts[place]; ++k) {
        const auto entry =
            entries[place * kernels::cuda::FlipNotes::kEntries + static_cast<std::size_t>(k)];
        const std::size_t row = segment * rows_of_segment_ + entry.row;
        const std::size_t column = entry.column & kernels::cuda::FlipEntry::kColumn;
        all.push_back({row * static_cast<std::size_t>(columns_) + column, entry});
      }
    }
    return all;
  }
  /// The elements of a layer's entries once more, as the rows know them.
  std::vector<std::size_t> elements_by_row(std::size_t layer) const {
    const auto rows = rows_.host();
    const auto entries = entries_.host();
    std::vector<std::size_t> all;
    for (std::size_t row = 0; row < rows.size(); ++row) {
      const std::size_t segment = row / rows_of_segment_;
      for (int k = 0; k < rows[row].count(static_cast<int>(layer)); ++k) {
        const std::size_t place =
            (layer * segments_ + segment) * kernels::cuda::FlipNotes::kEntries +
            static_cast<std::size_t>(rows[row].first(static_cast<int>(layer)) + k);
        all.push_back(row * static_cast<std::size_t>(columns_) +
                      (entries[place].column & kernels::cuda::FlipEntry::kColumn));
      }
    }
    return all;
  }
  /// For each element whether it was too large for every layer.
  std::vector<bool> large(std::size_t count) const {
    const auto counts = large_counts_.host();
    const auto bits = large_.host();
    const std::size_t of_segment = rows_of_segment_ * static_cast<std::size_t>(columns_);
    std::vector<bool> all(count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t segment = i / of_segment, bit = i % of_segment;
      all[i] =
          counts[segment] != 0 &&
          (bits[segment * kernels::cuda::FlipNotes::kLargeWords + bit / 32] >> (bit % 32) & 1) != 0;
    }
    return all;
  }

  /// The flips by column, of all panels of all layers one behind the other, each as {row and
  /// column, base, value}; in front of each panel's their number.
  std::vector<std::uint32_t> lists() const {
    const auto counts = panel_counts_.host();
    const auto panels = panels_.host();
    std::vector<std::uint32_t> all;
    for (std::size_t place = 0; place < counts.size(); ++place) {
      all.push_back(static_cast<std::uint32_t>(counts[place]));
      for (int k = 0; k < counts[place]; ++k) {
        const auto& flip =
            panels[place * (panels.size() / counts.size()) + static_cast<std::size_t>(k)];
        all.insert(all.end(), {flip.row_and_column, flip.base, flip.value});
      }
    }
    return all;
  }

 private:
  std::int64_t columns_;
  std::size_t rows_of_segment_, segments_;
  CudaBuffer<int> counts_;
  CudaBuffer<kernels::cuda::FlipEntry> entries_;
  CudaBuffer<std::uint16_t> columns_in_;
  CudaBuffer<kernels::cuda::RowFlips> rows_;
  CudaBuffer<int> large_counts_;
  CudaBuffer<std::uint32_t> large_;
  CudaBuffer<int> panel_counts_;
  CudaBuffer<kernels::cuda::ColumnFlip> panels_;
};

}  // namespace tests

#endif
