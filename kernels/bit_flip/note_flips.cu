// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/bit_flip/draw_tiles.cuh"
#include "kernels/bit_flip/segments.cuh"
#include "kernels/device/range.cuh"

#include <bit>
#include <cassert>
#include <cmath>
#include <type_traits>

namespace kernels::cuda {
namespace {

using namespace kernels::bit_flips;

constexpr int kWordsOfChunk = 8;  // of 16 bits: a thread's load
constexpr int kMostNotingThreads = 256;

struct Input {
  std::uint16_t* data;
  std::uint16_t* seen;  ///< null: nobody's
  Rows rows;
  Plan plans[kGroupLayers];
  int layers;
  int lanes;  ///< that draw a field of a tile: four take less time, one takes less work
  FlipNotes notes;
  const int* observed;  ///< the input's range, or null
  float least_large;    ///< magnitude that becomes 0
};

/// The flips of a layer in a segment, in any order.
struct Flips {
  std::uint16_t offsets[FlipNotes::kEntries], bits[FlipNotes::kEntries];
  std::uint16_t masks[FlipNotes::kEntries];  ///< of the word; 0 where another flip stands for it
  std::uint16_t words[FlipNotes::kEntries], values[FlipNotes::kEntries];
  int drawn, entries;

  __device__ int count() const { return min(drawn, FlipNotes::kEntries); }
};

struct Shared {
  Flips flips[kGroupLayers];
  std::uint32_t large[FlipNotes::kLargeWords];
};

PARADIGM_HOST_DEVICE bool looks_at_all(const BitFlip& how) {
  return how.zero_from != kNeverZero && !how.zeroes_only_flipped;
}

__device__ int threads() { return static_cast<int>(blockDim.x); }

/// Calls work(layer, flip) for every flip of a segment, a thread each.
template <typename Work>
__device__ void for_flips(const Shared& shared, int layers, const Work& work) {
  for (int k = static_cast<int>(threadIdx.x); k < layers * FlipNotes::kEntries; k += threads()) {
    const int layer = k / FlipNotes::kEntries, flip = k % FlipNotes::kEntries;
    if (flip < shared.flips[layer].count()) work(layer, flip);
  }
}

/// One flip for each word that flips, with all of its bits.
__device__ void gather_masks(const Input& x, const Segment& segment, Shared& shared) {
  for_flips(shared, x.layers, [&](int layer, int flip) {
    Flips& flips = shared.flips[layer];
    std::uint32_t mask = 0;
    for (int other = 0; other < flips.count(); ++other) {
      if (flips.offsets[other] != flips.offsets[flip]) continue;
      if (other < flip) {
        mask = 0;
        break;
      }
      mask |= flips.bits[other];
    }
    flips.masks[flip] = static_cast<std::uint16_t>(mask);
    if (mask != 0) flips.words[flip] = x.data[segment.start + flips.offsets[flip]];
  });
}

__device__ void write_entries(const Input& x, const Segment& segment, Shared& shared) {
  for_flips(shared, x.layers, [&](int layer, int flip) {
    Flips& flips = shared.flips[layer];
    const std::uint32_t mask = flips.masks[flip], word = flips.words[flip];
    if (mask == 0) return;
    const Plan& plan = x.plans[layer];
    const bool is_large =
        looks_at_all(plan.how) && (word & plan.format.magnitude) >= plan.how.zero_from;
    const bool zeroes = is_zeroed(plan, word ^ mask, mask);
    flips.values[flip] = zeroes ? 0 : static_cast<std::uint16_t>(word ^ mask);
    int rank = 0;
    for (int other = 0; other < flips.count(); ++other) {
      rank += flips.masks[other] != 0 && flips.offsets[other] < flips.offsets[flip];
    }
    const auto columns = static_cast<unsigned>(x.rows.columns);
    const unsigned row = flips.offsets[flip] / columns, column = flips.offsets[flip] % columns;
    columns_of(x.notes, x.rows, layer, segment.index)[rank] = static_cast<std::uint16_t>(column);
    entries_of(x.notes, x.rows, layer, segment.index)[rank] = {
        static_cast<std::uint16_t>(row),
        static_cast<std::uint16_t>(column | (zeroes ? FlipEntry::kZeroed : 0) |
                                   (is_large ? FlipEntry::kLarge : 0)),
        is_large ? std::uint16_t{0} : static_cast<std::uint16_t>(word), flips.values[flip]};
    atomicAdd(&flips.entries, 1);
  });
}

/// Where each row's entries lie.
__device__ void write_rows(const Input& x, const Segment& segment, const Shared& shared) {
  const auto columns = static_cast<int>(x.rows.columns);
  const int rows = segment.count / columns;
  for (int row = static_cast<int>(threadIdx.x); row < rows; row += threads()) {
    RowFlips found;
    for (int layer = 0; layer < x.layers; ++layer) {
      const Flips& flips = shared.flips[layer];
      int first = 0, count = 0;
      for (int flip = 0; flip < flips.count(); ++flip) {
        if (flips.masks[flip] == 0) continue;
        const int offset = flips.offsets[flip] - row * columns;
        first += offset < 0 ? 1 : 0;
        count += offset >= 0 && offset < columns ? 1 : 0;
      }
      found.set(layer, first, count);
    }
    x.notes.rows[segment.first_row + row] = found;
  }
}

/// Sets too large words of a chunk to 0: a bit for each.
__device__ std::uint32_t without_large(uint4& chunk, std::uint32_t from) {
  // Two at a time: the sum of a half reaches its highest bit.
  const std::uint32_t up = (0x8000u - from) * 0x10001u;
  std::uint32_t pairs[4] = {chunk.x, chunk.y, chunk.z, chunk.w};
  std::uint32_t reached = 0;
#pragma unroll
  for (const std::uint32_t pair : pairs) reached |= (pair & 0x7FFF7FFFu) + up;
  if ((reached & 0x80008000u) == 0) return 0;
  std::uint32_t zeroes = 0;
#pragma unroll
  for (int j = 0; j < kWordsOfChunk; ++j) {
    const int shift = 16 * (j % 2);
    if ((pairs[j / 2] >> shift & 0x7FFFu) < from) continue;
    pairs[j / 2] &= ~(0xFFFFu << shift);
    zeroes |= 1u << j;
  }
  chunk = uint4{pairs[0], pairs[1], pairs[2], pairs[3]};
  return zeroes;
}

/// Whether the range of all words says that none is too large.
__device__ bool is_bounded(const Input& x) {
  if (x.observed == nullptr || x.observed[2] != 0) return false;
  const float greatest = device::from_ordered(x.observed[1]);
  const float least = device::from_ordered(x.observed[0]);
  return fmaxf(greatest, -least) < x.least_large;
}

/// Every word once: too large ones become 0, a copy is made. True where any was too large.
__device__ bool pass_over(const Input& x, const Segment& segment, Shared& shared) {
  const BitFlip& how = x.plans[0].how;
  std::uint16_t* const to = x.seen != nullptr ? x.seen : x.data;
  const bool copies = to != x.data;
  if (!copies && (!looks_at_all(how) || is_bounded(x))) return false;
  const std::uint32_t from = looks_at_all(how) ? how.zero_from : 0x8000u;
  const auto* const chunks = reinterpret_cast<const uint4*>(x.data + segment.start);
  auto* const stored = reinterpret_cast<uint4*>(to + segment.start);
  const int count = segment.count / kWordsOfChunk;
  bool any = false;
  constexpr int kTogether = 4;
  for (int begin = static_cast<int>(threadIdx.x); begin < count; begin += kTogether * threads()) {
    uint4 loaded[kTogether];
#pragma unroll
    for (int j = 0; j < kTogether; ++j) {
      const int at = begin + j * threads();
      if (at < count) loaded[j] = chunks[at];
    }
#pragma unroll
    for (int j = 0; j < kTogether; ++j) {
      const int at = begin + j * threads();
      if (at >= count) continue;
      const std::uint32_t zeroes = without_large(loaded[j], from);
      if (copies || zeroes != 0) stored[at] = loaded[j];
      if (zeroes == 0) continue;
      any = true;
      atomicOr(shared.large + at / 4, zeroes << (at % 4 * kWordsOfChunk));
    }
  }
  return any;
}

__device__ void note_segment(const Input& x, unsigned index, Shared& shared) {
  const Segment segment(x.rows, index);
  if (threadIdx.x < kGroupLayers) {
    shared.flips[threadIdx.x].drawn = shared.flips[threadIdx.x].entries = 0;
  }
  for (int k = static_cast<int>(threadIdx.x); k < FlipNotes::kLargeWords; k += threads()) {
    shared.large[k] = 0;
  }
  __syncthreads();
  const std::uint64_t first =
      x.plans[0].how.first_element + static_cast<std::uint64_t>(segment.start);
  const std::uint64_t tile = first / kLargestTile;
  const std::uint64_t last = (first + static_cast<unsigned>(segment.count) - 1) / kLargestTile;
  draw_tiles(
      x.lanes, x.layers, [&](int layer) -> const Plan& { return x.plans[layer]; }, tile,
      static_cast<int>(last - tile) + 1,
      [&](int layer, std::uint64_t element, std::uint32_t bit) {
        const std::uint64_t offset = element - first;  // huge before `first`
        if (offset >= static_cast<std::uint64_t>(segment.count)) return;
        Flips& flips = shared.flips[layer];
        const int at = atomicAdd(&flips.drawn, 1);
        if (at >= FlipNotes::kEntries) return;
        flips.offsets[at] = static_cast<std::uint16_t>(offset);
        flips.bits[at] = static_cast<std::uint16_t>(1u << bit);
      });
  __syncthreads();
  gather_masks(x, segment, shared);
  __syncthreads();  // the clean words are read
  write_entries(x, segment, shared);
  if (x.notes.rows != nullptr) write_rows(x, segment, shared);
  const bool any_large = __syncthreads_or(pass_over(x, segment, shared)) != 0;
  if (x.seen != nullptr) {
    for_flips(shared, 1, [&](int layer, int flip) {
      const Flips& flips = shared.flips[layer];
      if (flips.masks[flip] != 0) {
        x.seen[segment.start + flips.offsets[flip]] = flips.values[flip];
      }
    });
  }
  if (static_cast<int>(threadIdx.x) < x.layers) {
    x.notes.counts[threadIdx.x * x.rows.segments + index] = shared.flips[threadIdx.x].entries;
  }
  if (threadIdx.x == 0) x.notes.large_counts[index] = any_large ? 1 : 0;
  if (!any_large) return;
  for (int k = static_cast<int>(threadIdx.x); k < FlipNotes::kLargeWords; k += threads()) {
    x.notes.large[index * FlipNotes::kLargeWords + k] = shared.large[k];
  }
}

__global__ void __launch_bounds__(kMostNotingThreads, 4)
    note_flips_kernel(const __grid_constant__ Input x) {
  __shared__ Shared shared;
  note_segment(x, blockIdx.x, shared);
}

double expected_in_tile(const BitFlip& how) {
  const WordFormat format = word_format(how.storage);
  const auto expected = [](const FlipStream& stream, const BitField& field) {
    return stream.rarity == 0 ? 0.0 : std::ldexp(field.bits * kLargestTile, -stream.rarity);
  };
  return expected(how.exponent, format.exponent) + expected(how.fraction, format.fraction);
}

}  // namespace

bool can_note_flips(const BitFlip& how) {
  constexpr double kTilesOfSegment = double{FlipNotes::kElements} / kLargestTile;
  return how.rule == FlipRule::intended && how.storage != ElementType::fp32 &&
         expected_in_tile(how) * kTilesOfSegment <= FlipNotes::kEntries / 4.0;
}

bool can_share_product(const BitFlip& how) {
  constexpr double kMostMagnitude = 64;  // of the outputs' rounding a fraction
  return looks_at_all(how) && how.zero_from <= zero_out_word(kMostMagnitude, how.storage);
}

std::int64_t segments_of(std::int64_t rows, std::int64_t columns) {
  const std::int64_t of_segment = rows_of_segment(columns);
  return (rows + of_segment - 1) / of_segment;
}

std::int64_t panel_room(std::int64_t rows, std::int64_t columns) {
  const std::int64_t at_most = segments_of(rows, columns) * FlipNotes::kEntries / 4;
  return 2 * at_most * ColumnFlip::kPanel / columns + 64;
}

void note_flips(const GroupInput& x, std::span<const BitFlip> layers, const FlipNotes& notes,
                void* seen, Stream stream) {
  assert(layers.size() <= kMostOfGroup);
  assert(x.columns % kGroupInputs == 0 && x.columns <= kMostGroupInputs);
  if (layers.empty() || x.rows == 0) return;
  Input input{};
  input.data = static_cast<std::uint16_t*>(x.data);
  input.seen = static_cast<std::uint16_t*>(seen);
  input.rows = Rows(x.rows, x.columns);
  for (const BitFlip& layer : layers) input.plans[input.layers++] = plan_of(layer);
  input.notes = notes;
  input.observed = x.observed;
  input.least_large = std::bit_cast<float>(
      converted_word(layers[0].zero_from & 0x7FFF, layers[0].storage, ElementType::fp32));
  // A block is a chain of dependent steps: few take the least time with many threads each, many
  // with few, so that more are under way at once.
  constexpr unsigned kFew = 500;
  const bool are_few = input.rows.segments < kFew;
  input.lanes = are_few ? 4 : 1;
  const int threads_of_block = are_few ? kMostNotingThreads : 64;
  note_flips_kernel<<<input.rows.segments, threads_of_block, 0, device::native(stream)>>>(input);
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
