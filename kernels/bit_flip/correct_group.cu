// SPDX-License-Identifier: GPL-3.0-or-later
// What a group's products lack: few words of the input differ for a layer, each in one row of its
// outputs and in one column of its weight's gradient. Sums are taken in the order of the elements,
// so that they are always the same.
#include "kernels/bit_flip/segments.cuh"
#include "kernels/bit_flip/zero_bits.cuh"
#include "kernels/device/block_reduce.cuh"
#include "kernels/device/elements.cuh"
#include "kernels/device/rows.cuh"

#include <cassert>

namespace kernels::cuda {
namespace {

using namespace kernels::bit_flips;

constexpr int kEntries = FlipNotes::kEntries;

struct Group {
  Rows rows;
  int layers;
  int first_output[kGroupLayers + 1];  ///< of each layer; then their sum
  const std::uint16_t* weights;
  FlipNotes notes;  ///< counts null: none
  int room;         ///< of a panel's list

  __device__ int outputs() const { return first_output[layers]; }
  __device__ int layer_of(int output) const {
    int layer = 0;
    while (output >= first_output[layer + 1]) ++layer;
    return layer;
  }
};

template <typename T>
__device__ float number(std::uint16_t word) {
  T value;
  memcpy(&value, &word, sizeof(value));
  return device::to_float(value);
}

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

constexpr int kPanel = ColumnFlip::kPanel;
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

// ---- Turns: a warp for a segment ----------------------------------------------------------------

__global__ void __launch_bounds__(device::kThreads)
    turn_flips_kernel(const __grid_constant__ Group group, std::uint16_t* x, int from, int to) {
  const unsigned index = blockIdx.x * device::kWarps + threadIdx.x / 32;
  if (index >= group.rows.segments) return;
  const Segment segment(group.rows, index);
  const int lane = static_cast<int>(threadIdx.x % 32);
  const FlipEntry* const before = entries_of(group.notes, group.rows, from, index);
  const FlipEntry* const after = entries_of(group.notes, group.rows, to, index);
  const int before_count = count_of(group.notes, group.rows, from, index);
  const int after_count = count_of(group.notes, group.rows, to, index);
  const auto place = [&](const FlipEntry& entry) {
    return segment.start + entry.row * group.rows.columns + (entry.column & FlipEntry::kColumn);
  };
  for (int k = lane; k < after_count; k += 32) x[place(after[k])] = after[k].value;
  for (int k = lane; k < before_count; k += 32) {
    const FlipEntry entry = before[k];
    bool flips_again = false;
    for (int other = 0; other < after_count; ++other) {
      flips_again |= place(after[other]) == place(entry);
    }
    if (!flips_again) x[place(entry)] = entry.base;
  }
}

// ---- The input's gradient: a block for a segment ------------------------------------------------

struct InputShared {
  FlipEntry entries[kGroupLayers][kEntries];
  int counts[kGroupLayers];
  std::uint16_t waiting[kGroupLayers * kEntries];  ///< layer and entry of what is left to compute
  int waiting_count;

  /// A layer's entry of an element; null where it makes none.
  __device__ const FlipEntry* find(int layer, int row, int column) const {
    for (int k = 0; k < counts[layer]; ++k) {
      const FlipEntry& entry = entries[layer][k];
      if (entry.row == row && (entry.column & FlipEntry::kColumn) == column) return &entry;
    }
    return nullptr;
  }
  /// A bit for each layer that sees 0 in the element of an entry.
  __device__ unsigned zeroed_by(const FlipEntry& entry, int layers) const {
    unsigned zeroed = 0;
    for (int layer = 0; layer < layers; ++layer) {
      const FlipEntry* const own = find(layer, entry.row, entry.column & FlipEntry::kColumn);
      const bool sees_zero = own != nullptr ? (own->column & FlipEntry::kZeroed) != 0
                                            : (entry.column & FlipEntry::kLarge) != 0;
      zeroed |= unsigned{sees_zero} << layer;
    }
    return zeroed;
  }
};

template <typename T>
__device__ void stop_input(const Group& group, unsigned index, const T* outputs, T* gradient,
                           InputShared& shared) {
  const Segment segment(group.rows, index);
  const int layers = group.layers;
  if (static_cast<int>(threadIdx.x) < layers) {
    shared.counts[threadIdx.x] =
        count_of(group.notes, group.rows, static_cast<int>(threadIdx.x), index);
  }
  if (threadIdx.x == 0) shared.waiting_count = 0;
  for (int k = static_cast<int>(threadIdx.x); k < layers * kEntries; k += device::kThreads) {
    // Without waiting for the counts: what lies beyond them is not looked at.
    shared.entries[k / kEntries][k % kEntries] =
        entries_of(group.notes, group.rows, k / kEntries, index)[k % kEntries];
  }
  const bool any_large = group.notes.large_counts[index] != 0;
  __syncthreads();
  const auto columns = static_cast<int>(group.rows.columns);
  for (int k = static_cast<int>(threadIdx.x); any_large && k < FlipNotes::kLargeWords;
       k += device::kThreads) {
    for (std::uint32_t bits = group.notes.large[index * FlipNotes::kLargeWords + k]; bits != 0;
         bits &= bits - 1) {
      const int element = 32 * k + __ffs(static_cast<int>(bits)) - 1;
      bool is_noted = false;
      for (int layer = 0; layer < layers; ++layer) {
        is_noted |= shared.find(layer, element / columns, element % columns) != nullptr;
      }
      if (!is_noted) gradient[segment.start + element] = device::from_float<T>(0);
    }
  }
  const unsigned all = (1u << layers) - 1;
  for (int k = static_cast<int>(threadIdx.x); k < layers * kEntries; k += device::kThreads) {
    const int layer = k / kEntries;
    if (k % kEntries >= shared.counts[layer]) continue;
    const FlipEntry& entry = shared.entries[layer][k % kEntries];
    if ((entry.column & (FlipEntry::kZeroed | FlipEntry::kLarge)) == 0) continue;
    const int column = entry.column & FlipEntry::kColumn;
    bool is_first = true;  // of the layers that note the element
    for (int other = 0; other < layer; ++other) {
      is_first &= shared.find(other, entry.row, column) == nullptr ||
                  (shared.find(other, entry.row, column)->column &
                   (FlipEntry::kZeroed | FlipEntry::kLarge)) == 0;
    }
    const unsigned zeroed = shared.zeroed_by(entry, layers);
    if (!is_first || zeroed == 0) continue;
    if (zeroed == all) {
      gradient[segment.start + entry.row * columns + column] = device::from_float<T>(0);
    } else {
      shared.waiting[atomicAdd(&shared.waiting_count, 1)] = static_cast<std::uint16_t>(k);
    }
  }
  __syncthreads();
  const auto* const weights = reinterpret_cast<const T*>(group.weights);
  for (int k = 0; k < shared.waiting_count; ++k) {
    const FlipEntry& entry =
        shared.entries[shared.waiting[k] / kEntries][shared.waiting[k] % kEntries];
    const int column = entry.column & FlipEntry::kColumn;
    const unsigned zeroed = shared.zeroed_by(entry, layers);
    const T* const of_row = outputs + (segment.first_row + entry.row) * group.outputs();
    const T* const of_column = weights + std::int64_t{column} * group.outputs();
    float sum = 0;
#pragma unroll 4
    for (int output = static_cast<int>(threadIdx.x); output < group.outputs();
         output += device::kThreads) {
      const float product = device::to_float(of_row[output]) * device::to_float(of_column[output]);
      if ((zeroed >> group.layer_of(output) & 1) == 0) sum += product;
    }
    sum = device::block_sum(sum);
    if (threadIdx.x == 0) {
      gradient[segment.start + entry.row * columns + column] = device::from_float<T>(sum);
    }
  }
}

// ---- The weights' gradients: a thread for a row of a panel --------------------------------------

constexpr int kTogether = 16;  // loads of a thread under way at once
constexpr int kHeld = device::kThreads;

struct WeightShared {
  ColumnFlip flips[kHeld];
};

/// Adds what `count` flips change in the gradients of an output's weights. `outputs`: its
/// gradients.
template <typename T>
__device__ void add_flips(const ColumnFlip* flips, int count, const T* outputs, int pitch,
                          float (&sum)[kPanel]) {
  for (int begin = 0; begin < count; begin += kTogether) {
    float gradient[kTogether];
#pragma unroll
    for (int k = 0; k < kTogether; ++k) {
      const std::int64_t row = flips[min(begin + k, count - 1)].row_and_column / kPanel;
      gradient[k] = device::to_float(outputs[row * pitch]);
    }
#pragma unroll
    for (int k = 0; k < kTogether; ++k) {
      if (begin + k >= count) break;
      const ColumnFlip flip = flips[begin + k];
      const float change = number<T>(flip.value) - number<T>(flip.base);
#pragma unroll
      for (unsigned column = 0; column < kPanel; ++column) {
        if (flip.row_and_column % kPanel == column) {
          sum[column] = fmaf(change, gradient[k], sum[column]);
        }
      }
    }
  }
}

template <typename T>
__device__ void correct_weights(const Group& group, int layer, int output, int panel,
                                const T* outputs, const std::uint32_t* zeroed, float* gradient,
                                WeightShared& shared) {
  const bool exists = output < group.first_output[layer + 1];
  const std::int64_t columns = group.rows.columns;
  auto* const own = reinterpret_cast<float4*>(gradient + output * columns + panel * kPanel);
  float4 before[2];
  std::uint32_t bits = 0;
  if (exists) {  // what will be needed in the end is under way from the beginning
    before[0] = own[0];
    before[1] = own[1];
    if (zeroed != nullptr) {
      const std::int64_t element = (output - group.first_output[layer]) * columns + panel * kPanel;
      bits = zeroed[element / 32] >> (element % 32) & 0xFFu;
    }
  }
  float sum[kPanel] = {};
  int count = 0;
  if (group.notes.counts != nullptr) {
    const std::int64_t place = std::int64_t{layer} * (columns / kPanel) + panel;
    const ColumnFlip* const flips = group.notes.panels + place * group.room;
    count = group.notes.panel_counts[place];
    for (int begin = 0; begin == 0 || begin < count; begin += kHeld) {
      // The first without waiting for their count.
      const int k = begin + static_cast<int>(threadIdx.x);
      if (k < group.room) shared.flips[threadIdx.x] = flips[k];
      __syncthreads();
      if (exists) {
        add_flips(shared.flips, min(kHeld, count - begin), outputs + output, group.outputs(), sum);
      }
      __syncthreads();
    }
  }
  if (!exists || (count == 0 && bits == 0)) return;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float* const numbers[4] = {&before[half].x, &before[half].y, &before[half].z, &before[half].w};
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      *numbers[j] = (bits >> (4 * half + j) & 1) != 0 ? 0 : *numbers[j] + sum[4 * half + j];
    }
    own[half] = before[half];
  }
}

template <typename T>
struct Gradients {
  const T* outputs;
  T* input;
  float* weights;
  const std::uint32_t* zeroed[kGroupLayers];
  unsigned segments;  ///< blocks of the input
  unsigned panels;
  unsigned first_chunk[kGroupLayers + 1];  ///< blocks of each layer's weight; then their sum
};

union GradientShared {
  InputShared input;
  WeightShared weights;
};

template <typename T>
__global__ void __launch_bounds__(device::kThreads)
    flips_in_gradients_kernel(const __grid_constant__ Group group,
                              const __grid_constant__ Gradients<T> gradients) {
  __shared__ GradientShared shared;
  if (blockIdx.x < gradients.segments) {
    return stop_input(group, blockIdx.x, gradients.outputs, gradients.input, shared.input);
  }
  const unsigned block = blockIdx.x - gradients.segments;
  int layer = 0;
  while (block >= gradients.first_chunk[layer + 1]) ++layer;
  const unsigned of_layer = block - gradients.first_chunk[layer];
  const int output = group.first_output[layer] +
                     static_cast<int>(of_layer / gradients.panels * device::kThreads + threadIdx.x);
  correct_weights(group, layer, output, static_cast<int>(of_layer % gradients.panels),
                  gradients.outputs, gradients.zeroed[layer], gradients.weights, shared.weights);
}

// ---- Layers that saw their flips themselves: zeroes are all there is to do ----------------------

template <typename T>
__global__ void __launch_bounds__(device::kThreads)
    flip_stops_kernel(const __grid_constant__ Group group,
                      const __grid_constant__ Gradients<T> gradients) {
  __shared__ InputShared shared;
  if (blockIdx.x < gradients.segments) {
    return stop_input(group, blockIdx.x, gradients.outputs, gradients.input, shared);
  }
  const unsigned block = blockIdx.x - gradients.segments;
  int layer = 0;
  while (block >= gradients.first_chunk[layer + 1]) ++layer;
  const std::uint64_t index =
      std::uint64_t{block - gradients.first_chunk[layer]} * device::kThreads + threadIdx.x;
  const std::int64_t columns = group.rows.columns;
  const std::int64_t outputs = group.first_output[layer + 1] - group.first_output[layer];
  if (index >= static_cast<std::uint64_t>(outputs * columns / 32)) return;
  stop_word(gradients.zeroed[layer], ZeroWord(index, 0),
            gradients.weights + group.first_output[layer] * columns);
}

Group group_of(const NotedGroup& noted) {
  assert(noted.outputs.size() <= kMostOfGroup);
  Group group{};
  group.rows = Rows(noted.rows, noted.columns);
  group.weights = noted.weights;
  group.notes = noted.notes;
  group.room = static_cast<int>(panel_room(noted.rows, noted.columns));
  for (const std::int64_t outputs : noted.outputs) {
    assert(outputs % kGroupOutputs == 0);
    group.first_output[group.layers + 1] =
        group.first_output[group.layers] + static_cast<int>(outputs);
    ++group.layers;
  }
  return group;
}

/// Calls work(T{}) with the 16-bit type of the operands.
template <typename Work>
void with_half_type(ElementType type, Work&& work) {
  if (type == ElementType::fp16) return work(__half{});
  work(__nv_bfloat16{});
}

unsigned blocks_of(std::int64_t items) {
  return static_cast<unsigned>((items + device::kThreads - 1) / device::kThreads);
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

void turn_flips(const NotedGroup& noted, std::uint16_t* x, std::size_t from, std::size_t to,
                Stream stream) {
  const Group group = group_of(noted);
  if (group.rows.segments == 0) return;
  turn_flips_kernel<<<(group.rows.segments + device::kWarps - 1) / device::kWarps, device::kThreads,
                      0, device::native(stream)>>>(group, x, static_cast<int>(from),
                                                   static_cast<int>(to));
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void correct_gradients(const NotedGroup& noted, const GroupGradients& given, Stream stream) {
  const Group group = group_of(noted);
  const bool has_notes = noted.notes.counts != nullptr;
  with_half_type(noted.type, [&](auto element) {
    using T = decltype(element);
    Gradients<T> gradients{};
    gradients.outputs = reinterpret_cast<const T*>(given.outputs);
    gradients.input = reinterpret_cast<T*>(given.input);
    gradients.weights = given.weights;
    std::copy_n(given.zeroed_weights, kGroupLayers, gradients.zeroed);
    gradients.segments = has_notes ? group.rows.segments : 0;
    gradients.panels = static_cast<unsigned>(noted.columns / kPanel);
    const bool is_listed = noted.notes.panels != nullptr;
    for (int layer = 0; layer < group.layers; ++layer) {
      const std::int64_t outputs = noted.outputs[static_cast<std::size_t>(layer)];
      const unsigned blocks = is_listed ? blocks_of(outputs) * gradients.panels
                              : gradients.zeroed[layer] != nullptr
                                  ? blocks_of(outputs * noted.columns / 32)
                                  : 0;
      gradients.first_chunk[layer + 1] = gradients.first_chunk[layer] + blocks;
    }
    const unsigned blocks = gradients.segments + gradients.first_chunk[group.layers];
    if (blocks == 0) return;
    if (is_listed) {
      flips_in_gradients_kernel<T>
          <<<blocks, device::kThreads, 0, device::native(stream)>>>(group, gradients);
    } else {
      flip_stops_kernel<T>
          <<<blocks, device::kThreads, 0, device::native(stream)>>>(group, gradients);
    }
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
