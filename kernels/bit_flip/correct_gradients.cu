// SPDX-License-Identifier: GPL-3.0-or-later
// What the gradients of a group's input and weights lack.
#include "kernels/bit_flip/noted_group.cuh"
#include "kernels/bit_flip/zero_bits.cuh"

namespace kernels::cuda {
namespace {

using namespace kernels::bit_flips;

/// Of a block: small ones, so that all of a small group are under way at once.
constexpr int kThreads = 128, kWarps = kThreads / 32;

// ---- The input's gradient: a block for a segment ------------------------------------------------

/// Whether two entries of a segment are about one element.
__device__ bool is_same(const FlipEntry& a, const FlipEntry& b) {
  return a.row == b.row && (a.column & FlipEntry::kColumn) == (b.column & FlipEntry::kColumn);
}

struct InputShared {
  FlipEntry entries[kGroupLayers][kEntries];
  int counts[kGroupLayers];

  __device__ bool notes(const FlipEntry& element, int layers) const {
    for (int layer = 0; layer < layers; ++layer) {
      for (int k = 0; k < counts[layer]; ++k) {
        if (is_same(entries[layer][k], element)) return true;
      }
    }
    return false;
  }

  /// A bit for each layer that sees 0 in the element of a layer's entry; 0 where an earlier layer's
  /// entry says so. A warp looks at once.
  __device__ unsigned zeroed_by(const FlipEntry& entry, int layer, int layers) const {
    const bool is_large = (entry.column & FlipEntry::kLarge) != 0;
    unsigned zeroed = 0;
    for (int other = 0; other < layers; ++other) {
      bool is_noted = false, sees_zero = false;
      for (int begin = 0; begin < counts[other]; begin += 32) {
        const int k = begin + static_cast<int>(threadIdx.x % 32);
        const bool is_it = k < counts[other] && is_same(entries[other][k], entry);
        is_noted |= __any_sync(0xFFFFFFFFu, is_it) != 0;
        sees_zero |= __any_sync(0xFFFFFFFFu,
                                is_it && (entries[other][k].column & FlipEntry::kZeroed) != 0) != 0;
      }
      if (other < layer && is_noted && (is_large || sees_zero)) return 0;
      zeroed |= unsigned{is_noted ? sees_zero : is_large} << other;
    }
    return zeroed;
  }
};

/// An element of the input's gradient that the layers in `zeroed` have no part in: a warp's sum.
/// `outputs`: the gradients of its row, `weights`: those of its column.
template <typename T>
__device__ float sum_without(const Group& group, unsigned zeroed, const T* outputs,
                             const T* weights) {
  constexpr int kPack = 8, kPacksTogether = 4;
  using Pack = device::Pack<T, kPack>;
  float sum = 0;
  for (int begin = static_cast<int>(threadIdx.x % 32) * kPack; begin < group.outputs();
       begin += 32 * kPack * kPacksTogether) {
    Pack gradient[kPacksTogether], weight[kPacksTogether];
#pragma unroll
    for (int j = 0; j < kPacksTogether; ++j) {
      const int output = min(begin + 32 * kPack * j, group.outputs() - kPack);
      gradient[j] = *reinterpret_cast<const Pack*>(outputs + output);
      weight[j] = *reinterpret_cast<const Pack*>(weights + output);
    }
#pragma unroll
    for (int j = 0; j < kPacksTogether; ++j) {
      const int output = begin + 32 * kPack * j;
      if (output >= group.outputs() || (zeroed >> group.layer_of(output) & 1) != 0) continue;
#pragma unroll
      for (int k = 0; k < kPack; ++k) {
        sum =
            fmaf(device::to_float(gradient[j].value[k]), device::to_float(weight[j].value[k]), sum);
      }
    }
  }
  return device::warp_sum(sum);
}

template <typename T>
__device__ void stop_input(const Group& group, unsigned index, const T* outputs, T* gradient,
                           InputShared& shared) {
  const Segment segment(group.rows, index);
  const int layers = group.layers;
  if (static_cast<int>(threadIdx.x) < layers) {
    shared.counts[threadIdx.x] =
        count_of(group.notes, group.rows, static_cast<int>(threadIdx.x), index);
  }
  for (int k = static_cast<int>(threadIdx.x); k < layers * kEntries; k += kThreads) {
    // Without waiting for the counts: what lies beyond them is not looked at.
    shared.entries[k / kEntries][k % kEntries] =
        entries_of(group.notes, group.rows, k / kEntries, index)[k % kEntries];
  }
  const bool any_large = group.notes.large_counts[index] != 0;
  __syncthreads();
  const auto columns = static_cast<int>(group.rows.columns);
  for (int k = static_cast<int>(threadIdx.x); any_large && k < FlipNotes::kLargeWords;
       k += kThreads) {
    for (std::uint32_t bits = group.notes.large[index * FlipNotes::kLargeWords + k]; bits != 0;
         bits &= bits - 1) {
      const int element = 32 * k + __ffs(static_cast<int>(bits)) - 1;
      const FlipEntry place{static_cast<std::uint16_t>(element / columns),
                            static_cast<std::uint16_t>(element % columns), 0, 0};
      if (!shared.notes(place, layers)) {
        gradient[segment.start + element] = device::from_float<T>(0);
      }
    }
  }
  const unsigned all = (1u << layers) - 1;
  const auto* const weights = reinterpret_cast<const T*>(group.weights);
  for (int layer = 0; layer < layers; ++layer) {
    for (int k = static_cast<int>(threadIdx.x / 32); k < shared.counts[layer]; k += kWarps) {
      const FlipEntry entry = shared.entries[layer][k];
      if ((entry.column & (FlipEntry::kZeroed | FlipEntry::kLarge)) == 0) continue;
      const unsigned zeroed = shared.zeroed_by(entry, layer, layers);
      if (zeroed == 0) continue;
      const std::int64_t row = segment.first_row + entry.row;
      const std::int64_t column = entry.column & FlipEntry::kColumn;
      const float sum = zeroed == all ? 0
                                      : sum_without(group, zeroed, outputs + row * group.outputs(),
                                                    weights + column * group.outputs());
      if (threadIdx.x % 32 == 0) gradient[row * columns + column] = device::from_float<T>(sum);
    }
  }
}

// ---- The weights' gradients: a block for some outputs of a panel, a share of its flips a warp
// ----

constexpr int kTogether = 8;  // loads of a thread under way at once
constexpr int kOutputsOfLane = 2, kOutputsOfBlock = 32 * kOutputsOfLane;
constexpr int kColumnsOfThread = 4;  // in the end, when a thread has half of an output's panel
static_assert(kOutputsOfBlock * kPanel == kThreads * kColumnsOfThread);

struct WeightShared {
  struct Flip {
    std::uint32_t row_and_column;
    float change;
  };
  Flip flips[kThreads];
  alignas(sizeof(float2)) float sums[kWarps][kPanel][kOutputsOfBlock];
};

/// Adds what a warp's share of `count` flips changes in the gradients of a lane's weights.
/// `outputs`: the gradients of its outputs.
template <typename T>
__device__ void add_flips(int count, const T* outputs, int pitch, WeightShared& shared) {
  using Pack = device::Pack<T, kOutputsOfLane>;
  const int warp = static_cast<int>(threadIdx.x / 32), lane = static_cast<int>(threadIdx.x % 32);
  for (int begin = warp; begin < count; begin += kWarps * kTogether) {
    WeightShared::Flip flip[kTogether];
    Pack gradient[kTogether];
#pragma unroll
    for (int k = 0; k < kTogether; ++k) {
      flip[k] = shared.flips[min(begin + k * kWarps, count - 1)];
      const std::int64_t row = flip[k].row_and_column / kPanel;
      gradient[k] = *reinterpret_cast<const Pack*>(outputs + row * pitch);
    }
#pragma unroll
    for (int k = 0; k < kTogether; ++k) {
      if (begin + k * kWarps >= count) break;
      float* const column = shared.sums[warp][flip[k].row_and_column % kPanel];
      auto& sum = reinterpret_cast<float2*>(column)[lane];  // no other thread looks at it
      sum.x = fmaf(flip[k].change, device::to_float(gradient[k].value[0]), sum.x);
      sum.y = fmaf(flip[k].change, device::to_float(gradient[k].value[1]), sum.y);
    }
  }
}

template <typename T>
__device__ void correct_weights(const Group& group, int layer, int first_output, int panel,
                                const T* outputs, const std::uint32_t* zeroed, float* gradient,
                                WeightShared& shared) {
  const int end_output = group.first_output[layer + 1];
  const std::int64_t columns = group.rows.columns;
  // What a thread will need in the end is under way from the beginning.
  const int row = static_cast<int>(threadIdx.x) * kColumnsOfThread / kPanel;
  const int column = static_cast<int>(threadIdx.x) * kColumnsOfThread % kPanel;
  const bool exists = first_output + row < end_output;
  float* const own = gradient + (first_output + row) * columns + panel * kPanel + column;
  float before[kColumnsOfThread];
  std::uint32_t bits = 0;
  if (exists) {
    device::load(own, before);
    if (zeroed != nullptr) {
      const std::int64_t element =
          (first_output + row - group.first_output[layer]) * columns + panel * kPanel + column;
      bits = zeroed[element / 32] >> (element % 32) & 0xFu;
    }
  }
  for (int k = static_cast<int>(threadIdx.x); k < kWarps * kPanel * kOutputsOfBlock;
       k += kThreads) {
    (&shared.sums[0][0][0])[k] = 0;
  }
  int count = 0;
  if (group.notes.counts != nullptr) {
    const std::int64_t place = std::int64_t{layer} * (columns / kPanel) + panel;
    const ColumnFlip* const flips = group.notes.panels + place * group.room;
    const int output = first_output + static_cast<int>(threadIdx.x % 32) * kOutputsOfLane;
    count = group.notes.panel_counts[place];
    for (int begin = 0; begin == 0 || begin < count; begin += kThreads) {
      // The first without waiting for their count.
      const int k = begin + static_cast<int>(threadIdx.x);
      if (k < group.room) {
        const ColumnFlip flip = flips[k];
        shared.flips[threadIdx.x] = {flip.row_and_column,
                                     number<T>(flip.value) - number<T>(flip.base)};
      }
      __syncthreads();
      if (output < end_output) {
        add_flips(min(kThreads, count - begin), outputs + output, group.outputs(), shared);
      }
      __syncthreads();
    }
  }
  if (!exists || (count == 0 && bits == 0)) return;
#pragma unroll
  for (int k = 0; k < kColumnsOfThread; ++k) {
    float sum = 0;
#pragma unroll
    for (int warp = 0; warp < kWarps; ++warp) sum += shared.sums[warp][column + k][row];
    before[k] = (bits >> k & 1) != 0 ? 0.0f : before[k] + sum;
  }
  device::store(before, own);
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
__global__ void __launch_bounds__(kThreads, 9)
    flips_in_gradients_kernel(const __grid_constant__ Group group,
                              const __grid_constant__ Gradients<T> gradients) {
  __shared__ GradientShared shared;
  if (blockIdx.x < gradients.segments) {
    return stop_input(group, blockIdx.x, gradients.outputs, gradients.input, shared.input);
  }
  unsigned block = blockIdx.x;
  const int layer = gradients.layer_of(block);
  const int output =
      group.first_output[layer] + static_cast<int>(block / gradients.panels) * kOutputsOfBlock;
  correct_weights(group, layer, output, static_cast<int>(block % gradients.panels),
                  gradients.outputs, gradients.zeroed[layer], gradients.weights, shared.weights);
}

// ---- Layers that saw their flips themselves: zeroes are all there is to do ----------------------

template <typename T>
__global__ void __launch_bounds__(kThreads)
    flip_stops_kernel(const __grid_constant__ Group group,
                      const __grid_constant__ Gradients<T> gradients) {
  __shared__ InputShared shared;
  if (blockIdx.x < gradients.segments) {
    return stop_input(group, blockIdx.x, gradients.outputs, gradients.input, shared);
  }
  unsigned block = blockIdx.x;
  const int layer = gradients.layer_of(block);
  const std::uint64_t index = std::uint64_t{block} * kThreads + threadIdx.x;
  const std::int64_t columns = group.rows.columns;
  const std::int64_t outputs = group.first_output[layer + 1] - group.first_output[layer];
  if (index >= static_cast<std::uint64_t>(outputs * columns / 32)) return;
  stop_word(gradients.zeroed[layer], ZeroWord(index, 0),
            gradients.weights + group.first_output[layer] * columns);
}

unsigned blocks_of(std::int64_t items, int of_block) {
  return static_cast<unsigned>((items + of_block - 1) / of_block);
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
      const unsigned blocks = is_listed ? blocks_of(outputs, kOutputsOfBlock) * gradients.panels
                              : gradients.zeroed[layer] != nullptr
                                  ? blocks_of(outputs * noted.columns / 32, kThreads)
                                  : 0;
      gradients.first_chunk[layer + 1] = gradients.first_chunk[layer] + blocks;
    }
    const unsigned blocks = gradients.segments + gradients.first_chunk[group.layers];
    if (blocks == 0) return;
    if (is_listed) {
      flips_in_gradients_kernel<T>
          <<<blocks, kThreads, 0, device::native(stream)>>>(group, gradients);
    } else {
      flip_stops_kernel<T><<<blocks, kThreads, 0, device::native(stream)>>>(group, gradients);
    }
  });
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
