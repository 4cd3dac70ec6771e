// SPDX-License-Identifier: GPL-3.0-or-later
// A block takes one largest tile: two of its threads walk the flips of the two fields while all
// look for words that are too large. Nearly every tile changes in a word or two, which are noted; a
// crowded one is copied and flipped word by word.
#include "kernels/bit_flip/bit_flip_masks.cuh"

#include <cmath>

namespace kernels::cuda {
namespace {

using namespace kernels::bit_flips;

constexpr int kMostFlips = 32;  ///< of a tile, before it counts as crowded

struct Tile {
  std::uint64_t index;  ///< counted from the operand's first
  std::uint64_t first;  ///< global element
  std::int64_t start;   ///< in the operand; the first tile may begin before it

  __device__ Tile(const Plan& plan, std::uint64_t of_operand)
      : index(of_operand),
        first((plan.how.first_element / kLargestTile + of_operand) * kLargestTile),
        start(static_cast<std::int64_t>(first - plan.how.first_element)) {}
};

/// Calls work(element of the tile, index in the operand) for the thread's share of a tile.
template <typename Work>
__device__ void for_words(const Tile& tile, std::int64_t count, const Work& work) {
#pragma unroll
  for (int j = 0; j < kPerThread; ++j) {
    const unsigned in_tile = threadIdx.x * kPerThread + j;
    const std::int64_t i = tile.start + in_tile;
    if (i >= 0 && i < count) work(in_tile, i, j);
  }
}

struct Flip {
  std::uint16_t element, mask;
};

/// The flips of a tile in shared memory, in any order.
struct FlipList {
  Flip flips[kMostFlips];
  int count;    // may exceed kMostFlips
  int changed;  // words
  int written;

  __device__ void add_field(const FlipStream& stream, std::uint64_t gap, const BitField& field,
                            NoiseTime time, std::uint64_t first) {
    if (stream.rarity == 0) return;
    const unsigned log2_elements = log2_tile(stream.rarity);
    for (unsigned tile = 0; tile < kLargestTile >> log2_elements; ++tile) {
      const unsigned begin = tile << log2_elements;
      for_each_flip(stream, gap, field, time, first + begin,
                    [&](std::uint32_t element, std::uint32_t bit) {
                      const int at = atomicAdd(&count, 1);
                      if (at >= kMostFlips) return;
                      flips[at] = {static_cast<std::uint16_t>(begin + element),
                                   static_cast<std::uint16_t>(1u << bit)};
                    });
    }
  }

  /// Every bit that flips in the element of flip `k`; 0 when an earlier flip stands for it.
  __device__ std::uint32_t mask_of(int k) const {
    std::uint32_t mask = 0;
    for (int other = 0; other < count; ++other) {
      if (flips[other].element != flips[k].element) continue;
      if (other < k) return 0;
      mask |= flips[other].mask;
    }
    return mask;
  }
  __device__ bool has(unsigned element) const {
    for (int k = 0; k < count; ++k) {
      if (flips[k].element == element) return true;
    }
    return false;
  }
};

/// The thread's words of a tile; 0 outside the operand.
__device__ void load_words(const std::uint16_t* data, const Tile& tile, std::int64_t count,
                           std::uint16_t (&words)[kPerThread]) {
  static_assert(kPerThread == 8);
  const std::int64_t begin = tile.start + threadIdx.x * kPerThread;
  const std::uint16_t* const from = data + begin;
  if (begin >= 0 && begin + kPerThread <= count &&
      reinterpret_cast<std::uintptr_t>(from) % 16 == 0) {
    *reinterpret_cast<uint4*>(words) = *reinterpret_cast<const uint4*>(from);
    return;
  }
  for (int j = 0; j < kPerThread; ++j) {
    words[j] = begin + j >= 0 && begin + j < count ? from[j] : 0;
  }
}

/// Flips a crowded tile, its words copied before.
__device__ void flip_crowded(std::uint16_t* data, std::int64_t count, const Plan& plan,
                             NoiseTime time, const Tile& tile, const FlipSlots& slots,
                             std::uint32_t* masks) {
  draw_masks(plan, time, tile.first, masks);
  for_words(tile, count, [&](unsigned in_tile, std::int64_t i, int) {
    const std::uint16_t old_word = data[i];
    slots.copies[i] = old_word;
    const std::uint32_t flipped = old_word ^ masks[in_tile];
    data[i] = is_zeroed(plan, flipped, masks[in_tile]) ? 0 : static_cast<std::uint16_t>(flipped);
  });
}

__global__ void __launch_bounds__(device::kThreads)
    flip_in_place_kernel(std::uint16_t* data, std::int64_t count, Plan plan, FlipSlots slots,
                         std::uint64_t tiles) {
  __shared__ std::uint32_t masks[kLargestTile];
  __shared__ FlipList list;
  const NoiseTime time = time_of(plan.how);
  const bool looks_at_all = plan.how.zero_from != kNeverZero && !plan.how.zeroes_only_flipped;
  for (std::uint64_t index = blockIdx.x; index < tiles; index += gridDim.x) {
    const Tile tile(plan, index);
    alignas(16) std::uint16_t words[kPerThread] = {};
    if (looks_at_all) load_words(data, tile, count, words);
    if (threadIdx.x == 0) list.count = list.changed = list.written = 0;
    __syncthreads();
    if (threadIdx.x == 0) {
      list.add_field(plan.how.exponent, plan.exponent_gap, plan.format.exponent, time, tile.first);
    } else if (threadIdx.x == 32) {
      list.add_field(plan.how.fraction, plan.fraction_gap, plan.format.fraction, time, tile.first);
    }
    __syncthreads();
    const bool few_flips = list.count <= kMostFlips;

    // What becomes of the element of this thread's flip, and which of its words are too large.
    std::uint32_t mask = 0;
    std::int64_t flipped_at = -1;
    if (few_flips && threadIdx.x < static_cast<unsigned>(list.count)) {
      mask = list.mask_of(static_cast<int>(threadIdx.x));
      flipped_at = tile.start + list.flips[threadIdx.x].element;
      if (flipped_at < 0 || flipped_at >= count) mask = 0;
    }
    unsigned too_large = 0;
    if (few_flips && looks_at_all) {
      for_words(tile, count, [&](unsigned in_tile, std::int64_t, int j) {
        const bool large = (words[j] & plan.format.magnitude) >= plan.how.zero_from;
        if (large && !list.has(in_tile)) too_large |= 1u << j;
      });
    }
    const int changes = (mask != 0) + __popc(too_large);
    if (changes != 0) atomicAdd(&list.changed, changes);
    __syncthreads();
    const bool crowded = !few_flips || list.changed > FlipSlots::kSlots;
    if (threadIdx.x == 0) slots.counts[index] = crowded ? FlipSlots::kSlots + 1 : list.changed;
    if (crowded) {
      flip_crowded(data, count, plan, time, tile, slots, masks);
    } else if (changes != 0) {
      const auto change = [&](unsigned in_tile, std::int64_t i, std::uint16_t old_word,
                              std::uint16_t new_word, bool zeroed) {
        data[i] = new_word;
        slots.entries[index * FlipSlots::kSlots + atomicAdd(&list.written, 1)] = {
            static_cast<std::uint16_t>(in_tile), zeroed, old_word, new_word};
      };
      if (mask != 0) {
        const std::uint16_t old_word = data[flipped_at];
        const std::uint32_t flipped = old_word ^ mask;
        const bool zeroed = is_zeroed(plan, flipped, mask);
        change(list.flips[threadIdx.x].element, flipped_at, old_word,
               zeroed ? 0 : static_cast<std::uint16_t>(flipped), zeroed);
      }
      if (too_large != 0) {
        for_words(tile, count, [&](unsigned in_tile, std::int64_t i, int j) {
          if ((too_large >> j & 1) != 0) change(in_tile, i, words[j], 0, true);
        });
      }
    }
    __syncthreads();
  }
}

/// Calls noted(entry, index in the operand) for a tile's noted changes, each by another thread, or
/// crowded(tile), by all.
template <typename Noted, typename Crowded>
__device__ void for_changes(const Plan& plan, const FlipSlots& slots, std::uint64_t tiles,
                            const Noted& noted, const Crowded& crowded) {
  // A tile has few changes: a warp looks at each, and the block at crowded ones.
  for (std::uint64_t base = std::uint64_t{blockIdx.x} * device::kThreads / 32; base < tiles;
       base += std::uint64_t{gridDim.x} * device::kThreads / 32) {
    const std::uint64_t index = base + threadIdx.x / 32;
    const int changes = index < tiles ? slots.counts[index] : 0;
    const bool is_crowded = changes > FlipSlots::kSlots;
    const int lane = threadIdx.x % 32;
    if (!is_crowded && lane < changes) {
      const FlipSlots::Entry entry = slots.entries[index * FlipSlots::kSlots + lane];
      noted(entry, Tile(plan, index).start + entry.in_tile);
    }
    if (__syncthreads_or(is_crowded) == 0) continue;
    for (std::uint64_t other = base; other < base + device::kThreads / 32 && other < tiles;
         ++other) {
      if (slots.counts[other] > FlipSlots::kSlots) crowded(Tile(plan, other));
    }
  }
}

__global__ void __launch_bounds__(device::kThreads)
    repeat_kernel(std::uint16_t* data, std::int64_t count, Plan plan, FlipSlots slots,
                  std::uint64_t tiles) {
  __shared__ std::uint32_t masks[kLargestTile];
  const NoiseTime time = time_of(plan.how);
  for_changes(
      plan, slots, tiles,
      [&](const FlipSlots::Entry& entry, std::int64_t i) { data[i] = entry.new_word; },
      [&](const Tile& tile) { flip_crowded(data, count, plan, time, tile, slots, masks); });
}

__global__ void __launch_bounds__(device::kThreads)
    restore_kernel(std::uint16_t* data, std::int64_t count, Plan plan, FlipSlots slots,
                   std::uint64_t tiles) {
  for_changes(
      plan, slots, tiles,
      [&](const FlipSlots::Entry& entry, std::int64_t i) { data[i] = entry.old_word; },
      [&](const Tile& tile) {
        for_words(tile, count, [&](unsigned, std::int64_t i, int) { data[i] = slots.copies[i]; });
      });
}

template <typename G>
__global__ void __launch_bounds__(device::kThreads)
    stop_kernel(G* gradient, std::int64_t count, Plan plan, FlipSlots slots, std::uint64_t tiles) {
  __shared__ std::uint32_t masks[kLargestTile];
  const NoiseTime time = time_of(plan.how);
  for_changes(
      plan, slots, tiles,
      [&](const FlipSlots::Entry& entry, std::int64_t i) {
        if (entry.zeroed != 0) gradient[i] = 0;
      },
      [&](const Tile& tile) {
        draw_masks(plan, time, tile.first, masks);
        for_words(tile, count, [&](unsigned in_tile, std::int64_t i, int) {
          const std::uint32_t mask = masks[in_tile];
          if (is_zeroed(plan, slots.copies[i] ^ mask, mask)) gradient[i] = 0;
        });
      });
}

unsigned blocks_for_slots(std::int64_t tiles) { return device::grid_for(tiles * 32); }

}  // namespace

std::int64_t tiles_of(std::int64_t count, std::uint64_t first_element) {
  const std::uint64_t begin = first_element / kLargestTile;
  const std::uint64_t end =
      (first_element + static_cast<std::uint64_t>(count) + kLargestTile - 1) / kLargestTile;
  return static_cast<std::int64_t>(end - begin);
}

bool can_flip_in_place(const BitFlip& how) {
  if (how.rule != FlipRule::intended || how.storage == ElementType::fp32) return false;
  const WordFormat format = word_format(how.storage);
  const auto expected = [](const FlipStream& stream, const BitField& field) {
    return stream.rarity == 0 ? 0.0 : std::ldexp(field.bits * kLargestTile, -stream.rarity);
  };
  const double flips =
      expected(how.exponent, format.exponent) + expected(how.fraction, format.fraction);
  return flips <= FlipSlots::kSlots / 4;
}

void flip_in_place(void* data, std::int64_t count, const BitFlip& how, const FlipSlots& slots,
                   Stream stream) {
  if (count == 0) return;
  flip_in_place_kernel<<<blocks_for(count), device::kThreads, 0, device::native(stream)>>>(
      static_cast<std::uint16_t*>(data), count, plan_of(how), slots,
      static_cast<std::uint64_t>(tiles_of(count, how.first_element)));
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void repeat_in_place(void* data, std::int64_t count, const BitFlip& how, const FlipSlots& slots,
                     Stream stream) {
  if (count == 0) return;
  const std::int64_t tiles = tiles_of(count, how.first_element);
  repeat_kernel<<<blocks_for_slots(tiles), device::kThreads, 0, device::native(stream)>>>(
      static_cast<std::uint16_t*>(data), count, plan_of(how), slots,
      static_cast<std::uint64_t>(tiles));
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void restore(void* data, std::int64_t count, const BitFlip& how, const FlipSlots& slots,
             Stream stream) {
  if (count == 0) return;
  const std::int64_t tiles = tiles_of(count, how.first_element);
  restore_kernel<<<blocks_for_slots(tiles), device::kThreads, 0, device::native(stream)>>>(
      static_cast<std::uint16_t*>(data), count, plan_of(how), slots,
      static_cast<std::uint64_t>(tiles));
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

void stop_gradient(void* gradient, ElementType gradient_type, std::int64_t count,
                   const BitFlip& how, const FlipSlots& slots, Stream stream) {
  if (count == 0 || !how.zeroes()) return;
  const std::int64_t tiles = tiles_of(count, how.first_element);
  const auto launch = [&](auto word) {
    stop_kernel<<<blocks_for_slots(tiles), device::kThreads, 0, device::native(stream)>>>(
        static_cast<decltype(word)*>(gradient), count, plan_of(how), slots,
        static_cast<std::uint64_t>(tiles));
  };
  gradient_type == ElementType::fp32 ? launch(std::uint32_t{}) : launch(std::uint16_t{});
  PARADIGM_CUDA_CHECK(cudaGetLastError());
}

}  // namespace kernels::cuda
