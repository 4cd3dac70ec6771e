// SPDX-License-Identifier: GPL-3.0-or-later
// What the gradients of a group's input and weights lack.
#include "kernels/bit_flip/noted_group.cuh"
#include "kernels/bit_flip/zero_bits.cuh"
#include "kernels/device/block_reduce.cuh"

namespace kernels::cuda {
namespace {

using namespace kernels::bit_flips;

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

  /// Whose weight a block is for that is not the input's; `block` becomes its number there.
  __device__ int layer_of(unsigned& block) const {
    block -= segments;
    int layer = 0;
    while (block >= first_chunk[layer + 1]) ++layer;
    block -= first_chunk[layer];
    return layer;
  }
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
  unsigned block = blockIdx.x;
  const int layer = gradients.layer_of(block);
  const int output = group.first_output[layer] +
                     static_cast<int>(block / gradients.panels * device::kThreads + threadIdx.x);
  correct_weights(group, layer, output, static_cast<int>(block % gradients.panels),
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
  unsigned block = blockIdx.x;
  const int layer = gradients.layer_of(block);
  const std::uint64_t index = std::uint64_t{block} * device::kThreads + threadIdx.x;
  const std::int64_t columns = group.rows.columns;
  const std::int64_t outputs = group.first_output[layer + 1] - group.first_output[layer];
  if (index >= static_cast<std::uint64_t>(outputs * columns / 32)) return;
  stop_word(gradients.zeroed[layer], ZeroWord(index, 0),
            gradients.weights + group.first_output[layer] * columns);
}

unsigned blocks_of(std::int64_t items) {
  return static_cast<unsigned>((items + device::kThreads - 1) / device::kThreads);
}

}  // namespace

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
