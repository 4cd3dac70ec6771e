// SPDX-License-Identifier: GPL-3.0-or-later
// What a group's outputs lack, and the lists by column that its weights' gradients will need.
#include "kernels/bit_flip/panel_lists.cuh"

namespace kernels::cuda {
namespace {

using namespace kernels::bit_flips;
using device::Eight;

// A thread for eight neighbours in all rows of a segment.

constexpr int kOutputThreads = 128;
constexpr int kOfThread = static_cast<int>(kGroupOutputs);

template <typename T>
__device__ void correct_outputs_of(const Group& group, unsigned index, int output, T* y) {
  const int outputs = group.outputs();
  if (output >= outputs) return;
  const Segment segment(group.rows, index);
  const int layer = group.layer_of(output);
  const int count = count_of(group.notes, group.rows, layer, segment.index);
  const FlipEntry* const entries = entries_of(group.notes, group.rows, layer, segment.index);
  const auto* const weights = reinterpret_cast<const T*>(group.weights);
  constexpr int kEntriesTogether = 4;
  float sum[kOfThread];
  int row = -1;  // whose sum it is
  for (int begin = 0; begin == 0 || begin < count; begin += kEntriesTogether) {
    // What all of them need is under way before the first is computed.
    FlipEntry entry[kEntriesTogether];
    Eight<T> weight[kEntriesTogether], before[kEntriesTogether];
#pragma unroll
    for (int j = 0; j < kEntriesTogether; ++j) {
      // The first without waiting for their count: there is memory, if nothing in it.
      if (begin == 0 || begin + j < count) entry[j] = entries[begin + j];
    }
#pragma unroll
    for (int j = 0; j < kEntriesTogether; ++j) {
      if (begin + j >= count) continue;
      const int column = entry[j].column & FlipEntry::kColumn;
      weight[j] =
          *reinterpret_cast<const Eight<T>*>(weights + std::int64_t{column} * outputs + output);
      before[j] = *reinterpret_cast<const Eight<T>*>(
          y + (segment.first_row + entry[j].row) * outputs + output);
    }
#pragma unroll
    for (int j = 0; j < kEntriesTogether; ++j) {
      if (begin + j >= count) continue;
      const bool goes_on = entry[j].row == row;
      row = entry[j].row;
      const float change = number<T>(entry[j].value) - number<T>(entry[j].base);
#pragma unroll
      for (int k = 0; k < kOfThread; ++k) {
        sum[k] = fmaf(change, device::to_float(weight[j].value[k]),
                      goes_on ? sum[k] : device::to_float(before[j].value[k]));
      }
      const bool is_last = j + 1 == kEntriesTogether || begin + j + 1 >= count ||
                           entry[j + 1 < kEntriesTogether ? j + 1 : j].row != entry[j].row;
      if (is_last) {
        device::store(sum, y + (segment.first_row + entry[j].row) * outputs + output);
      }
    }
  }
}

template <typename T>
__global__ void __launch_bounds__(kOutputThreads)
    flips_in_outputs_kernel(const __grid_constant__ Group group, T* y, unsigned chunks) {
  __shared__ ListShared shared;
  // First those that take longest.
  const unsigned lists = lists_of(group);
  if (blockIdx.x < lists) return list_panel(group, blockIdx.x, shared);
  const unsigned block = blockIdx.x - lists;
  correct_outputs_of(group, block / chunks,
                     static_cast<int>(block % chunks * kOutputThreads + threadIdx.x) * kOfThread,
                     y);
}

}  // namespace

void correct_outputs(const NotedGroup& noted, std::uint16_t* y, Stream stream) {
  const Group group = group_of(noted);
  if (group.rows.segments == 0) return;
  constexpr int kOfBlock = kOutputThreads * kOfThread;
  const int outputs = group.outputs();
  const auto chunks = static_cast<unsigned>((outputs + kOfBlock - 1) / kOfBlock);
  const unsigned lists = lists_of(group);
  with_half_type(noted.type, [&](auto element) {
    using T = decltype(element);
    flips_in_outputs_kernel<T>
        <<<lists + group.rows.segments * chunks, kOutputThreads, 0, device::native(stream)>>>(
            group, reinterpret_cast<T*>(y), chunks);
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
