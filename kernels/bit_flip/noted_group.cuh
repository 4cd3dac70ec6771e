// SPDX-License-Identifier: GPL-3.0-or-later
// A group of noted flips as the kernels see it that add to its products what those lack: few words
// of the input differ for a layer, each in one row of its outputs and in one column of its weight's
// gradient. Sums are taken in the order of the elements, so that they are always the same.
#pragma once

#include "kernels/bit_flip/flip_group.h"
#include "kernels/bit_flip/segments.cuh"
#include "kernels/device/elements.cuh"
#include "kernels/device/rows.cuh"

#include <cassert>
#include <cstring>

namespace kernels::bit_flips {

constexpr int kEntries = cuda::FlipNotes::kEntries;
constexpr int kPanel = cuda::ColumnFlip::kPanel;

/// A group in a kernel's terms.
struct Group {
  Rows rows;
  int layers;
  int first_output[kGroupLayers + 1];  ///< of each layer; their sum behind the last
  const std::uint16_t* weights;
  cuda::FlipNotes notes;  ///< counts null: none
  int room;               ///< of a panel's list

  PARADIGM_HOST_DEVICE int outputs() const { return first_output[layers]; }
  __device__ int layer_of(int output) const {
    int layer = 0;
#pragma unroll
    for (int next = 1; next < kGroupLayers; ++next) layer += output >= first_output[next] ? 1 : 0;
    return layer;
  }
};

template <typename T>
__device__ float number(std::uint16_t word) {
  T value;
  memcpy(&value, &word, sizeof(value));
  return device::to_float(value);
}

/// Adds what a row's flips change in neighbouring outputs of a layer, from `output` of all; false
/// where none flips.
template <int kCount, typename T>
__device__ bool add_flips_of_row(const Group& group, const cuda::RowFlips& flips, int layer,
                                 std::int64_t row, int output, device::Pack<T, kCount>& outputs) {
  const int count = flips.count(layer);
  if (count == 0) return false;
  const auto segment = static_cast<unsigned>(row) / static_cast<unsigned>(group.rows.of_segment);
  const cuda::FlipEntry* const entries =
      entries_of(group.notes, group.rows, layer, segment) + flips.first(layer);
  const T* const weights = reinterpret_cast<const T*>(group.weights) + output;
  float sum[kCount];
#pragma unroll
  for (int k = 0; k < kCount; ++k) sum[k] = device::to_float(outputs.value[k]);
  for (int entry = 0; entry < count; ++entry) {
    const cuda::FlipEntry flip = entries[entry];
    const float change = number<T>(flip.value) - number<T>(flip.base);
    const std::int64_t column = flip.column & cuda::FlipEntry::kColumn;
    float weight[kCount];
    device::load(weights + column * group.outputs(), weight);
#pragma unroll
    for (int k = 0; k < kCount; ++k) sum[k] = fmaf(change, weight[k], sum[k]);
  }
#pragma unroll
  for (int k = 0; k < kCount; ++k) outputs.value[k] = device::from_float<T>(sum[k]);
  return true;
}

inline Group group_of(const cuda::NotedGroup& noted) {
  assert(noted.outputs.size() <= kMostOfGroup);
  Group group{};
  group.rows = Rows(noted.rows, noted.columns);
  group.weights = noted.weights;
  group.notes = noted.notes;
  group.room = static_cast<int>(cuda::panel_room(noted.rows, noted.columns));
  for (const std::int64_t outputs : noted.outputs) {
    assert(outputs % kGroupOutputs == 0);
    group.first_output[group.layers + 1] =
        group.first_output[group.layers] + static_cast<int>(outputs);
    ++group.layers;
  }
  for (int none = group.layers; none < kGroupLayers; ++none) {
    group.first_output[none + 1] = group.outputs();
  }
  return group;
}

/// Calls work(T{}) with the 16-bit type of the operands.
template <typename Work>
void with_half_type(ElementType type, Work&& work) {
  if (type == ElementType::fp16) return work(__half{});
  work(__nv_bfloat16{});
}

}  // namespace kernels::bit_flips
