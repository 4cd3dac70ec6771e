// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/bit_flip/flip_group.h"
#include "kernels/bit_flip/flip_tiles.cuh"

#include <cassert>
#include <cmath>

namespace kernels::cuda {
namespace {

using namespace kernels::bit_flips;

constexpr int kLayers = static_cast<int>(kMostOfGroup);
constexpr int kTilesOfNoting = 8;
constexpr int kTilesOfCopying = 2;
constexpr int kTilesOfChange = device::kThreads;  // one for each thread
constexpr int kWordsOfChunk = 8;                  // of 16 bits: a thread's load
constexpr int kChunksOfTile = static_cast<int>(kLargestTile) / kWordsOfChunk;
static_assert(kChunksOfTile == device::kThreads);
constexpr int kTogether = 4;  // loads of a thread under way at once
static_assert(FlipNotes::kSlots == ZeroNotes::kSlots);
constexpr int kSlots = FlipNotes::kSlots;

struct Layer {
  Plan plan;
  FlipNotes notes;
};

struct Weight {
  FlippedWeight of;
  Plan plan;
  std::uint64_t tiles;
  unsigned first_block;
};

struct Weights {
  Weight all[kLayers];
  int count;

  /// The weight that a block works at.
  __device__ const Weight& of_block(unsigned block) const {
    int which = count - 1;
    while (block < all[which].first_block) --which;
    return all[which];
  }
};

__device__ bool looks_at_all(const BitFlip& how) {
  return how.zero_from != kNeverZero && !how.zeroes_only_flipped;
}

// ---- Noting: some warps draw the flips while the others look at every word
// -----------------------

struct Noting {
  std::uint16_t* data;
  std::int64_t count;
  std::uint16_t* copies;
  std::uint64_t tiles;
  Layer layers[kLayers];
  int layer_count;
};

/// The flips of a tile within the operand, in any order.
struct FlipList {
  std::uint16_t elements[kSlots], masks[kSlots], words[kSlots];  // words: before the flip
  int count;                                                     // may exceed the room

  /// Every bit that flips in the element of flip `k`; 0 when an earlier flip stands for it.
  __device__ std::uint32_t mask_of(int k) const {
    std::uint32_t mask = 0;
    for (int other = 0; other < count; ++other) {
      if (elements[other] != elements[k]) continue;
      if (other < k) return 0;
      mask |= masks[other];
    }
    return mask;
  }
  __device__ bool has(unsigned element) const {
    for (int k = 0; k < count; ++k) {
      if (elements[k] == element) return true;
    }
    return false;
  }
};

/// The words of a tile that are too large before any flip, in any order.
struct LargeWords {
  std::uint16_t elements[kSlots];
  int count;  // may exceed the room

  __device__ void add(unsigned element) {
    const int at = atomicAdd(&count, 1);
    if (at < kSlots) elements[at] = static_cast<std::uint16_t>(element);
  }
};

struct TileNotes {
  FlipNotes::Entry entries[kSlots];
  int count;

  /// False when there is no room.
  __device__ bool add(unsigned in_tile, bool zeroed, std::uint16_t old_word,
                      std::uint32_t flipped) {
    if (count == kSlots) return false;
    entries[count++] = {static_cast<std::uint16_t>(in_tile | (zeroed ? FlipNotes::kZeroed : 0)), 0,
                        old_word, static_cast<std::uint16_t>(zeroed ? 0 : flipped)};
    return true;
  }
};

struct NotingShared {
  FlipList flips[kLayers][kTilesOfNoting];
  LargeWords large[kTilesOfNoting];
  TileNotes notes[kLayers][kTilesOfNoting];

  /// The lists are empty on return.
  __device__ void clear() {
    if (threadIdx.x < kLayers * kTilesOfNoting) {
      flips[threadIdx.x / kTilesOfNoting][threadIdx.x % kTilesOfNoting].count = 0;
    }
    if (threadIdx.x < kTilesOfNoting) large[threadIdx.x].count = 0;
    __syncthreads();
  }
};

/// Draws one field of a tile, by four lanes; word_of(index in the operand) is what it flips.
template <typename WordOf>
__device__ void draw_field(const Plan& plan, bool is_exponent, const Tile& tile, std::int64_t count,
                           const WordOf& word_of, FlipList& list) {
  const FlipStream stream = is_exponent ? plan.how.exponent : plan.how.fraction;
  if (stream.rarity == 0) return;
  const std::uint64_t gap = is_exponent ? plan.exponent_gap : plan.fraction_gap;
  const BitField field = is_exponent ? plan.format.exponent : plan.format.fraction;
  const unsigned log2_elements = log2_tile(stream.rarity);
  for (unsigned part = 0; part < kLargestTile >> log2_elements; ++part) {
    const unsigned begin = part << log2_elements;
    for_each_flip_by_four(stream, gap, field, time_of(plan.how), tile.first + begin,
                          [&](std::uint32_t element, std::uint32_t bit) {
                            const std::int64_t i = tile.start + begin + element;
                            if (i < 0 || i >= count) return;
                            const int at = atomicAdd(&list.count, 1);
                            if (at >= kSlots) return;
                            list.elements[at] = static_cast<std::uint16_t>(begin + element);
                            list.masks[at] = static_cast<std::uint16_t>(1u << bit);
                            list.words[at] = static_cast<std::uint16_t>(word_of(i));
                          });
  }
}

/// Calls draw(layer, tile of the block, is_exponent) for all, each in four lanes.
template <typename Draw>
__device__ void for_fields(int layers, int tiles, const Draw& draw) {
  const int field = static_cast<int>(threadIdx.x / 4);
  static_assert(kLayers * kTilesOfNoting * 2 * 4 <= device::kThreads);
  if (field < layers * tiles * 2) draw(field / (2 * tiles), field / 2 % tiles, field % 2 == 0);
}

/// Whether a block's tiles lie wholly in the operand and a chunk of each in one load.
__device__ bool is_whole(const Tile& first, int tiles, std::int64_t count, const void* data) {
  return first.start >= 0 && first.start + tiles * std::int64_t{kLargestTile} <= count &&
         first.start % kWordsOfChunk == 0 && reinterpret_cast<std::uintptr_t>(data) % 16 == 0;
}

/// Adds the words of magnitude `from` on, two at a time: the sum of a half reaches its highest bit.
__device__ void add_large(const uint4& chunk, unsigned element, std::uint32_t from,
                          LargeWords& large) {
  const std::uint32_t up = (0x8000u - from) * 0x10001u;
  const std::uint32_t pairs[4] = {chunk.x, chunk.y, chunk.z, chunk.w};
  std::uint32_t reached = 0;
#pragma unroll
  for (const std::uint32_t pair : pairs) reached |= (pair & 0x7FFF7FFFu) + up;
  if ((reached & 0x80008000u) == 0) return;
#pragma unroll
  for (unsigned j = 0; j < kWordsOfChunk; ++j) {
    if ((pairs[j / 2] >> (16 * (j % 2)) & 0x7FFFu) >= from) large.add(element + j);
  }
}

__device__ void look_for_large(const Noting& job, const Tile& first, int tiles,
                               NotingShared& shared) {
  const std::uint32_t from = job.layers[0].plan.how.zero_from;
  if (is_whole(first, tiles, job.count, job.data)) {
    const auto* const chunks = reinterpret_cast<const uint4*>(job.data + first.start);
#pragma unroll
    for (int half = 0; half < kTilesOfNoting; half += kTogether) {
      uint4 loaded[kTogether];
#pragma unroll
      for (int j = 0; j < kTogether; ++j) {
        loaded[j] =
            half + j < tiles ? chunks[(half + j) * kChunksOfTile + threadIdx.x] : uint4{0, 0, 0, 0};
      }
#pragma unroll
      for (int j = 0; j < kTogether; ++j) {
        add_large(loaded[j], threadIdx.x * kWordsOfChunk, from, shared.large[half + j]);
      }
    }
    return;
  }
  for (int tile = 0; tile < tiles; ++tile) {
    const std::int64_t start = first.start + tile * std::int64_t{kLargestTile};
    for (unsigned element = threadIdx.x; element < kLargestTile; element += device::kThreads) {
      const std::int64_t i = start + element;
      if (i < 0 || i >= job.count) continue;
      if ((job.data[i] & 0x7FFFu) >= from) shared.large[tile].add(element);
    }
  }
}

/// What becomes of the words of a tile; crowded when there are too many.
__device__ void note_changes(const Plan& plan, const std::uint16_t* tile_data,
                             const FlipList& flips, const LargeWords& large, TileNotes& notes) {
  notes.count = 0;
  bool fits = flips.count <= kSlots && large.count <= kSlots;
  for (int k = 0; fits && k < flips.count; ++k) {
    const std::uint32_t mask = flips.mask_of(k);
    if (mask == 0) continue;
    const std::uint32_t flipped = flips.words[k] ^ mask;
    fits = notes.add(flips.elements[k], is_zeroed(plan, flipped, mask), flips.words[k], flipped);
  }
  for (int k = 0; fits && k < large.count; ++k) {
    const unsigned element = large.elements[k];
    if (!flips.has(element)) fits = notes.add(element, true, tile_data[element], 0);
  }
  if (!fits) notes.count = kSlots + 1;
}

/// Calls work(element of the tile, index in the operand) for the thread's share of a tile.
template <typename Work>
__device__ void for_words(const Tile& tile, std::int64_t count, const Work& work) {
  for (unsigned in_tile = threadIdx.x; in_tile < kLargestTile; in_tile += device::kThreads) {
    const std::int64_t i = tile.start + in_tile;
    if (i >= 0 && i < count) work(in_tile, i);
  }
}

/// Flips a crowded tile, its words copied before. Calls zeroed(index) where it zeroes.
template <typename Zeroed>
__device__ void flip_crowded(std::uint16_t* data, std::int64_t count, std::uint16_t* copies,
                             const Plan& plan, const Tile& tile, std::uint32_t* masks,
                             const Zeroed& zeroed) {
  draw_masks(plan, time_of(plan.how), tile.first, masks);
  for_words(tile, count, [&](unsigned in_tile, std::int64_t i) {
    const std::uint16_t old_word = data[i];
    copies[i] = old_word;
    const std::uint32_t flipped = old_word ^ masks[in_tile];
    const bool zeroes = is_zeroed(plan, flipped, masks[in_tile]);
    data[i] = zeroes ? 0 : static_cast<std::uint16_t>(flipped);
    if (zeroes) zeroed(i);
  });
}

__device__ void note_tiles(const Noting& job, unsigned block, NotingShared& shared,
                           std::uint32_t* masks) {
  const std::uint64_t begin = std::uint64_t{block} * kTilesOfNoting;
  const int tiles = static_cast<int>(min(std::uint64_t{kTilesOfNoting}, job.tiles - begin));
  const int layer = static_cast<int>(threadIdx.x / 32);
  const int lane = static_cast<int>(threadIdx.x % 32);
  const Tile first(job.layers[0].plan, begin);
  shared.clear();
  for_fields(job.layer_count, tiles, [&](int of, int tile, bool is_exponent) {
    draw_field(
        job.layers[of].plan, is_exponent, Tile(job.layers[of].plan, begin + tile), job.count,
        [&](std::int64_t i) { return job.data[i]; }, shared.flips[of][tile]);
  });
  if (looks_at_all(job.layers[0].plan.how)) look_for_large(job, first, tiles, shared);
  __syncthreads();
  if (layer < job.layer_count && lane < tiles) {
    TileNotes& notes = shared.notes[layer][lane];
    note_changes(job.layers[layer].plan, job.data + first.start + lane * std::int64_t{kLargestTile},
                 shared.flips[layer][lane], shared.large[lane], notes);
    job.layers[layer].notes.counts[begin + lane] = notes.count;
  }
  __syncthreads();  // all have read the clean words

  constexpr int kOfLayer = kTilesOfNoting * kSlots;
  for (int k = static_cast<int>(threadIdx.x); k < job.layer_count * kOfLayer;
       k += device::kThreads) {
    const int of = k / kOfLayer, t = k % kOfLayer / kSlots, slot = k % kSlots;
    if (t >= tiles) continue;
    const TileNotes& notes = shared.notes[of][t];
    if (notes.count > kSlots || slot >= notes.count) continue;
    const FlipNotes::Entry entry = notes.entries[slot];
    job.layers[of].notes.entries[(begin + t) * kSlots + slot] = entry;
    if (of == 0) {
      const Tile tile(job.layers[0].plan, begin + t);
      job.data[tile.start + (entry.in_tile & (kLargestTile - 1))] = entry.new_word;
    }
  }
  for (int t = 0; t < tiles; ++t) {
    if (shared.notes[0][t].count <= kSlots) continue;
    flip_crowded(job.data, job.count, job.copies, job.layers[0].plan,
                 Tile(job.layers[0].plan, begin + t), masks, [](std::int64_t) {});
  }
}

/// Stores the weights' words, too large ones as 0.
__device__ void copy_words(const Weight& weight, const Tile& first, int tiles,
                           NotingShared& shared) {
  const ElementType storage = weight.plan.how.storage;
  const std::uint32_t from = looks_at_all(weight.plan.how) ? weight.plan.how.zero_from : kNeverZero;
  const auto* const x = reinterpret_cast<const std::uint32_t*>(weight.of.weight);
  const auto word_of = [&](std::uint32_t value, int tile, unsigned element) {
    const std::uint32_t word = converted_word(value, ElementType::fp32, storage);
    if ((word & 0x7FFFu) < from) return word;
    shared.large[tile].add(element);
    return 0u;
  };
  const bool whole = is_whole(first, tiles, weight.of.count, x) &&
                     reinterpret_cast<std::uintptr_t>(weight.of.copy) % 16 == 0;
  if (whole) {
    uint4 loaded[kTilesOfCopying][2];
#pragma unroll
    for (int t = 0; t < kTilesOfCopying; ++t) {
      const auto* const from_here = reinterpret_cast<const uint4*>(
          x + first.start + t * std::int64_t{kLargestTile} + threadIdx.x * kWordsOfChunk);
      for (int j = 0; j < 2; ++j) loaded[t][j] = t < tiles ? from_here[j] : uint4{0, 0, 0, 0};
    }
#pragma unroll
    for (int t = 0; t < kTilesOfCopying; ++t) {
      if (t >= tiles) return;
      const auto& [a, b] = loaded[t];
      const std::uint32_t values[kWordsOfChunk] = {a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w};
      std::uint32_t words[kWordsOfChunk];
#pragma unroll
      for (unsigned j = 0; j < kWordsOfChunk; ++j) {
        words[j] = word_of(values[j], t, threadIdx.x * kWordsOfChunk + j);
      }
      *reinterpret_cast<uint4*>(weight.of.copy + first.start + t * std::int64_t{kLargestTile} +
                                threadIdx.x * kWordsOfChunk) =
          uint4{words[0] | words[1] << 16, words[2] | words[3] << 16, words[4] | words[5] << 16,
                words[6] | words[7] << 16};
    }
    return;
  }
  for (int t = 0; t < tiles; ++t) {
    const std::int64_t start = first.start + t * std::int64_t{kLargestTile};
    for (unsigned element = threadIdx.x; element < kLargestTile; element += device::kThreads) {
      const std::int64_t i = start + element;
      if (i < 0 || i >= weight.of.count) continue;
      weight.of.copy[i] = static_cast<std::uint16_t>(word_of(x[i], t, element));
    }
  }
}

/// Flips words of a tile's copy, and notes every zeroed one.
__device__ void flip_copied(const Weight& weight, std::uint64_t index, const FlipList& flips,
                            const LargeWords& large) {
  std::uint16_t* const copy = weight.of.copy + Tile(weight.plan, index).start;
  int zeroed = large.count > kSlots ? kSlots + 1 : 0;
  const auto note = [&](unsigned element) {
    if (weight.of.zeroes.counts == nullptr) return;
    if (zeroed < kSlots) {
      weight.of.zeroes.elements[index * kSlots + zeroed] = static_cast<std::uint16_t>(element);
    }
    ++zeroed;
  };
  for (int k = 0; k < flips.count; ++k) {
    const std::uint32_t mask = flips.mask_of(k);
    if (mask == 0) continue;
    const unsigned element = flips.elements[k];
    const std::uint32_t flipped = flips.words[k] ^ mask;
    const bool zeroes = is_zeroed(weight.plan, flipped, mask);
    copy[element] = zeroes ? 0 : static_cast<std::uint16_t>(flipped);
    if (zeroes) note(element);
  }
  for (int k = 0; k < min(large.count, kSlots); ++k) {
    if (!flips.has(large.elements[k])) note(large.elements[k]);
  }
  if (weight.of.zeroes.counts != nullptr) weight.of.zeroes.counts[index] = zeroed;
}

/// A tile with more flips than a list holds, by the whole block.
__device__ void copy_crowded(const Weight& weight, std::uint64_t index, std::uint32_t* masks) {
  const Tile tile(weight.plan, index);
  draw_masks(weight.plan, time_of(weight.plan.how), tile.first, masks);
  for_words(tile, weight.of.count, [&](unsigned in_tile, std::int64_t i) {
    const std::uint32_t stored =
        converted_word(reinterpret_cast<const std::uint32_t*>(weight.of.weight)[i],
                       ElementType::fp32, weight.plan.how.storage);
    const std::uint32_t flipped = stored ^ masks[in_tile];
    const bool zeroes = is_zeroed(weight.plan, flipped, masks[in_tile]);
    weight.of.copy[i] = zeroes ? 0 : static_cast<std::uint16_t>(flipped);
  });
  if (threadIdx.x == 0 && weight.of.zeroes.counts != nullptr) {
    weight.of.zeroes.counts[index] = kSlots + 1;
  }
}

__device__ void copy_tiles(const Weight& weight, unsigned block, NotingShared& shared,
                           std::uint32_t* masks) {
  const std::uint64_t begin = std::uint64_t{block} * kTilesOfCopying;
  const int tiles = static_cast<int>(min(std::uint64_t{kTilesOfCopying}, weight.tiles - begin));
  FlipList* const flips = shared.flips[0];
  shared.clear();
  for_fields(1, tiles, [&](int, int tile, bool is_exponent) {
    const auto word_of = [&](std::int64_t i) {
      return converted_word(reinterpret_cast<const std::uint32_t*>(weight.of.weight)[i],
                            ElementType::fp32, weight.plan.how.storage);
    };
    draw_field(weight.plan, is_exponent, Tile(weight.plan, begin + tile), weight.of.count, word_of,
               flips[tile]);
  });
  copy_words(weight, Tile(weight.plan, begin), tiles, shared);
  __syncthreads();
  const int lane = static_cast<int>(threadIdx.x);
  if (lane < tiles && flips[lane].count <= kSlots) {
    flip_copied(weight, begin + lane, flips[lane], shared.large[lane]);
  }
  for (int t = 0; t < tiles; ++t) {
    if (flips[t].count > kSlots) copy_crowded(weight, begin + t, masks);
  }
}

__global__ void __launch_bounds__(device::kThreads, 5)
    flip_group_kernel(const __grid_constant__ Noting x, const __grid_constant__ Weights weights,
                      unsigned blocks_of_x) {
  __shared__ std::uint32_t masks[kLargestTile];
  __shared__ NotingShared shared;
  if (blockIdx.x < blocks_of_x) {
    note_tiles(x, blockIdx.x, shared, masks);
  } else {
    const unsigned block = blockIdx.x - blocks_of_x;
    const Weight& weight = weights.of_block(block);
    copy_tiles(weight, block - weight.first_block, shared, masks);
  }
}

// ---- Changing -----------------------------------------------------------------------------------

struct Change {
  std::uint16_t* data;
  std::int64_t count;
  std::uint16_t* copies;
  std::uint64_t tiles;
  Layer from, to;
  bool has_from, has_to;
  std::uint16_t* gradient;
  bool is_first;
  std::uint16_t* held_tiles;
};

/// The tiles that a block has to go through together, by their place among its own.
struct TileList {
  std::uint16_t tiles[kTilesOfChange];
  int count;
};

__device__ bool is_crowded(int changes) { return changes > kSlots; }

__device__ void undo(const Change& job, const Tile& tile, const FlipNotes::Entry& entry) {
  const std::int64_t i = tile.start + (entry.in_tile & (kLargestTile - 1));
  job.data[i] = entry.old_word;
  if (job.gradient == nullptr || (entry.in_tile & FlipNotes::kZeroed) == 0) return;
  job.gradient[i] = job.is_first ? 0 : entry.held;
}

__device__ void redo(const Change& job, const Tile& tile, FlipNotes::Entry& entry) {
  const std::int64_t i = tile.start + (entry.in_tile & (kLargestTile - 1));
  job.data[i] = entry.new_word;
  if (job.gradient == nullptr || (entry.in_tile & FlipNotes::kZeroed) == 0) return;
  entry.held = job.gradient[i];
}

/// A tile that is crowded before or after, by the whole block.
__device__ void change_crowded(const Change& job, std::uint64_t index, std::uint32_t* masks) {
  const int from = job.has_from ? job.from.notes.counts[index] : 0;
  const int to = job.has_to ? job.to.notes.counts[index] : 0;
  const Tile tile(job.has_from ? job.from.plan : job.to.plan, index);
  if (is_crowded(from)) {
    const Plan& plan = job.from.plan;
    if (job.gradient != nullptr) draw_masks(plan, time_of(plan.how), tile.first, masks);
    for_words(tile, job.count, [&](unsigned in_tile, std::int64_t i) {
      const std::uint16_t old_word = job.copies[i];
      job.data[i] = old_word;
      if (job.gradient != nullptr && is_zeroed(plan, old_word ^ masks[in_tile], masks[in_tile])) {
        job.gradient[i] = job.is_first ? 0 : job.held_tiles[i];
      }
    });
  } else if (threadIdx.x < static_cast<unsigned>(from)) {
    undo(job, tile, job.from.notes.entries[index * kSlots + threadIdx.x]);
  }
  __syncthreads();
  if (is_crowded(to)) {
    flip_crowded(job.data, job.count, job.copies, job.to.plan, tile, masks, [&](std::int64_t i) {
      if (job.gradient != nullptr) job.held_tiles[i] = job.gradient[i];
    });
  } else if (threadIdx.x < static_cast<unsigned>(to)) {
    redo(job, tile, job.to.notes.entries[index * kSlots + threadIdx.x]);
  }
}

__device__ void change_tiles(const Change& job, unsigned block, TileList& crowded,
                             std::uint32_t* masks) {
  const std::uint64_t begin = std::uint64_t{block} * kTilesOfChange;
  const std::uint64_t index = begin + threadIdx.x;
  if (index < job.tiles) {
    const int from = job.has_from ? job.from.notes.counts[index] : 0;
    const int to = job.has_to ? job.to.notes.counts[index] : 0;
    if (is_crowded(from) || is_crowded(to)) {
      crowded.tiles[atomicAdd(&crowded.count, 1)] = static_cast<std::uint16_t>(threadIdx.x);
    } else {
      const Tile tile(job.has_from ? job.from.plan : job.to.plan, index);
      for (int k = 0; k < from; ++k) {
        undo(job, tile, job.from.notes.entries[index * kSlots + k]);
      }
      for (int k = 0; k < to; ++k) {
        redo(job, tile, job.to.notes.entries[index * kSlots + k]);
      }
    }
  }
  __syncthreads();
  for (int k = 0; k < crowded.count; ++k) {
    change_crowded(job, begin + crowded.tiles[k], masks);
    __syncthreads();
  }
}

__device__ void stop_tiles(const Weight& weight, unsigned block, TileList& crowded,
                           std::uint32_t* masks) {
  const std::uint64_t begin = std::uint64_t{block} * kTilesOfChange;
  const std::uint64_t index = begin + threadIdx.x;
  auto* const gradient = reinterpret_cast<std::uint32_t*>(weight.of.gradient);
  const int zeroed = index < weight.tiles ? weight.of.zeroes.counts[index] : 0;
  if (is_crowded(zeroed)) {
    crowded.tiles[atomicAdd(&crowded.count, 1)] = static_cast<std::uint16_t>(threadIdx.x);
  } else {
    for (int k = 0; k < zeroed; ++k) {
      gradient[Tile(weight.plan, index).start + weight.of.zeroes.elements[index * kSlots + k]] = 0;
    }
  }
  __syncthreads();
  for (int k = 0; k < crowded.count; ++k) {
    stop_tile(reinterpret_cast<const std::uint32_t*>(weight.of.weight), ElementType::fp32,
              weight.of.count, weight.plan, time_of(weight.plan.how),
              Tile(weight.plan, begin + crowded.tiles[k]), gradient, masks);
  }
}

__global__ void __launch_bounds__(device::kThreads)
    change_flips_kernel(const __grid_constant__ Change change,
                        const __grid_constant__ Weights weights, unsigned blocks_of_change) {
  __shared__ std::uint32_t masks[kLargestTile];
  __shared__ TileList list;
  if (threadIdx.x == 0) list.count = 0;
  __syncthreads();
  if (blockIdx.x < blocks_of_change) {
    change_tiles(change, blockIdx.x, list, masks);
  } else {
    const unsigned block = blockIdx.x - blocks_of_change;
    const Weight& weight = weights.of_block(block);
    stop_tiles(weight, block - weight.first_block, list, masks);
  }
}

// ---- Host ---------------------------------------------------------------------------------------

unsigned blocks_of(std::uint64_t tiles, int tiles_of_block) {
  return static_cast<unsigned>((tiles + static_cast<unsigned>(tiles_of_block) - 1) /
                               static_cast<unsigned>(tiles_of_block));
}

/// Gives each weight its blocks, `tiles_of_block` tiles each; returns how many they are.
unsigned spread(std::span<const FlippedWeight> weights, int tiles_of_block, Weights& all) {
  assert(weights.size() <= kMostOfGroup);
  unsigned blocks = 0;
  all.count = 0;
  for (const FlippedWeight& weight : weights) {
    const auto tiles = static_cast<std::uint64_t>(tiles_of(weight.count, weight.how.first_element));
    all.all[all.count++] = {weight, plan_of(weight.how), tiles, blocks};
    blocks += blocks_of(tiles, tiles_of_block);
  }
  return blocks;
}

Layer layer_of(const NotedFlips& flips) { return {plan_of(flips.how), flips.notes}; }

}  // namespace

bool can_note_flips(const BitFlip& how) {
  if (how.rule != FlipRule::intended || how.storage == ElementType::fp32) return false;
  const WordFormat format = word_format(how.storage);
  const auto expected = [](const FlipStream& stream, const BitField& field) {
    return stream.rarity == 0 ? 0.0 : std::ldexp(field.bits * kLargestTile, -stream.rarity);
  };
  const double flips =
      expected(how.exponent, format.exponent) + expected(how.fraction, format.fraction);
  return flips <= kSlots / 4;
}

void flip_group(const FlippedInPlace& x, std::span<const NotedFlips> layers,
                std::span<const FlippedWeight> weights, Stream stream) {
  assert(layers.size() <= kMostOfGroup);
  Noting noting{};
  unsigned blocks_of_x = 0;
  if (!layers.empty() && x.count > 0) {
    noting = {static_cast<std::uint16_t*>(x.data),
              x.count,
              x.copies,
              static_cast<std::uint64_t>(tiles_of(x.count, layers[0].how.first_element)),
              {},
              static_cast<int>(layers.size())};
    for (std::size_t i = 0; i < layers.size(); ++i) noting.layers[i] = layer_of(layers[i]);
    blocks_of_x = blocks_of(noting.tiles, kTilesOfNoting);
  }
  Weights copied{};
  const unsigned blocks = blocks_of_x + spread(weights, kTilesOfCopying, copied);
  if (blocks == 0) return;
  flip_group_kernel<<<blocks, device::kThreads, 0, device::native(stream)>>>(noting, copied,
                                                                             blocks_of_x);
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void change_flips(const FlipChange& change, std::span<const FlippedWeight> weights, Stream stream) {
  const NotedFlips* const any = change.from != nullptr ? change.from : change.to;
  Change made{};
  unsigned blocks_of_change = 0;
  if (any != nullptr && change.x.count > 0) {
    made.data = static_cast<std::uint16_t*>(change.x.data);
    made.count = change.x.count;
    made.copies = change.x.copies;
    made.tiles = static_cast<std::uint64_t>(tiles_of(change.x.count, any->how.first_element));
    made.has_from = change.from != nullptr;
    made.has_to = change.to != nullptr;
    if (made.has_from) made.from = layer_of(*change.from);
    if (made.has_to) made.to = layer_of(*change.to);
    made.gradient = any->how.zeroes() ? static_cast<std::uint16_t*>(change.gradient) : nullptr;
    made.is_first = change.is_first;
    made.held_tiles = change.held_tiles;
    blocks_of_change = blocks_of(made.tiles, kTilesOfChange);
  }
  Weights stopped{};
  const unsigned blocks = blocks_of_change + spread(weights, kTilesOfChange, stopped);
  if (blocks == 0) return;
  change_flips_kernel<<<blocks, device::kThreads, 0, device::native(stream)>>>(made, stopped,
                                                                               blocks_of_change);
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
