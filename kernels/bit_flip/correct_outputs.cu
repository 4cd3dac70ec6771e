// SPDX-License-Identifier: GPL-3.0-or-later
// What a group's outputs lack, and the lists by column that its weights' gradients will need.
#include "kernels/bit_flip/noted_group.cuh"

namespace kernels::cuda {
namespace {

using namespace kernels::bit_flips;

// ---- Outputs: a thread for eight neighbours in all rows of a segment ----------------------------

constexpr int kOutputThreads = 128, kOutputWarps = kOutputThreads / 32;
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
    float weight[kEntriesTogether][kOfThread], before[kEntriesTogether][kOfThread];
#pragma unroll
    for (int j = 0; j < kEntriesTogether; ++j) {
      // The first without waiting for their count: there is memory, if nothing in it.
      if (begin == 0 || begin + j < count) entry[j] = entries[begin + j];
    }
#pragma unroll
    for (int j = 0; j < kEntriesTogether; ++j) {
      if (begin + j >= count) continue;
      const int column = entry[j].column & FlipEntry::kColumn;
      device::load(weights + std::int64_t{column} * outputs + output, weight[j]);
      device::load(y + (segment.first_row + entry[j].row) * outputs + output, before[j]);
    }
#pragma unroll
    for (int j = 0; j < kEntriesTogether; ++j) {
      if (begin + j >= count) continue;
      const bool goes_on = entry[j].row == row;
      row = entry[j].row;
      const float change = number<T>(entry[j].value) - number<T>(entry[j].base);
#pragma unroll
      for (int k = 0; k < kOfThread; ++k) {
        sum[k] = fmaf(change, weight[j][k], goes_on ? sum[k] : before[j][k]);
      }
      const bool is_last = j + 1 == kEntriesTogether || begin + j + 1 >= count ||
                           entry[j + 1 < kEntriesTogether ? j + 1 : j].row != entry[j].row;
      if (is_last) {
        device::store(sum, y + (segment.first_row + entry[j].row) * outputs + output);
      }
    }
  }
}

// ---- Lists by column: a block for a panel of a layer --------------------------------------------

constexpr int kSegmentsOfThread = 4, kSegmentsOfRound = kSegmentsOfThread * kOutputThreads;
constexpr int kFound = 512;

struct ListShared {
  std::uint32_t found[kFound];  ///< kEntries · segment + entry
  int of_warp[kOutputWarps];
};

/// How many of the block's threads before this one have how many; the sum of all in `total`.
__device__ int count_before(int own, ListShared& shared, int& total) {
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
#pragma unroll
  for (int other = 0; other < kOutputWarps; ++other) {
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

__device__ void list_panel(const Group& group, int layer, int panel, ListShared& shared) {
  const std::int64_t place = std::int64_t{layer} * (group.rows.columns / kPanel) + panel;
  ColumnFlip* const flips = group.notes.panels + place * group.room;
  int listed = 0;
  for (unsigned round = 0; round < group.rows.segments; round += kSegmentsOfRound) {
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
          shared.found[at] = segment * FlipNotes::kEntries + static_cast<unsigned>(entry);
        }
        ++at;
      });
      __syncthreads();
      const int found = min(kFound, total - begin);
      for (int k = static_cast<int>(threadIdx.x); k < found; k += kOutputThreads) {
        const unsigned segment = shared.found[k] / FlipNotes::kEntries;
        const FlipEntry entry = entries_of(group.notes, group.rows, layer,
                                           segment)[shared.found[k] % FlipNotes::kEntries];
        const std::uint32_t row =
            segment * static_cast<unsigned>(group.rows.of_segment) + entry.row;
        const std::uint32_t column = (entry.column & FlipEntry::kColumn) % kPanel;
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

template <typename T>
__global__ void __launch_bounds__(kOutputThreads)
    flips_in_outputs_kernel(const __grid_constant__ Group group, T* y, unsigned chunks) {
  __shared__ ListShared shared;
  const auto panels = static_cast<unsigned>(group.rows.columns / kPanel);
  const unsigned lists = static_cast<unsigned>(group.layers) * panels;
  // First those that take longest.
  if (blockIdx.x < lists) {
    return list_panel(group, static_cast<int>(blockIdx.x / panels),
                      static_cast<int>(blockIdx.x % panels), shared);
  }
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
  const int outputs = group.first_output[group.layers];
  const auto chunks = static_cast<unsigned>((outputs + kOfBlock - 1) / kOfBlock);
  const auto lists = static_cast<unsigned>(group.layers * noted.columns / kPanel);
  with_half_type(noted.type, [&](auto element) {
    using T = decltype(element);
    flips_in_outputs_kernel<T>
        <<<lists + group.rows.segments * chunks, kOutputThreads, 0, device::native(stream)>>>(
            group, reinterpret_cast<T*>(y), chunks);
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
