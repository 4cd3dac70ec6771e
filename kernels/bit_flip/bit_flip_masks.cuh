// SPDX-License-Identifier: GPL-3.0-or-later
// The flips of one largest tile, as a mask for each of its words in shared memory.
#pragma once

#include "kernels/bit_flip/bit_flip.h"
#include "kernels/device/launch.cuh"

namespace kernels::bit_flips {

constexpr int kPerThread = kLargestTile / device::kThreads;

/// What is the same for every element, with the host's tables looked up.
struct Plan {
  BitFlip how;
  std::uint64_t exponent_gap;
  std::uint64_t fraction_gap;
  WordFormat format;
};

inline Plan plan_of(const BitFlip& how) {
  return {how, mean_gap(how.exponent.rarity), mean_gap(how.fraction.rarity),
          word_format(how.storage)};
}

/// Where a largest tile of an operand lies.
struct Tile {
  std::uint64_t index;  ///< counted from the operand's first
  std::uint64_t first;  ///< global element
  std::int64_t start;   ///< in the operand; the first tile may begin before it

  __device__ Tile(const Plan& plan, std::uint64_t of_operand)
      : index(of_operand),
        first((plan.how.first_element / kLargestTile + of_operand) * kLargestTile),
        start(static_cast<std::int64_t>(first - plan.how.first_element)) {}
};

/// When the flips are drawn: the moving clock's time where there is one.
__device__ inline NoiseTime time_of(const BitFlip& how) {
  return how.clock == nullptr ? how.time : *how.clock;
}

/// Adds one field's flips in the largest tile that begins at `first` to the block's masks. `shift`
/// gives the few sparse tiles of the two fields to different warps.
__device__ inline void add_field(const FlipStream& stream, std::uint64_t gap, const BitField& field,
                                 FlipRule rule, NoiseTime time, std::uint64_t first, unsigned shift,
                                 std::uint32_t* masks) {
  if (stream.rarity == 0) return;
  const unsigned thread = (threadIdx.x + shift) % device::kThreads;
  if (rule == FlipRule::upstream) {
    for (unsigned i = thread; i < kLargestTile; i += device::kThreads) {
      atomicOr(masks + i, upstream_flips(stream, first + i) & field.mask());
    }
  } else if (is_sparse(stream.rarity)) {
    const unsigned log2_elements = log2_tile(stream.rarity);
    for (unsigned tile = thread; tile < kLargestTile >> log2_elements; tile += device::kThreads) {
      const unsigned begin = tile << log2_elements;
      for_each_flip(stream, gap, field, time, first + begin,
                    [&](std::uint32_t element, std::uint32_t bit) {
                      atomicOr(masks + begin + element, std::uint32_t{1} << bit);
                    });
    }
  } else {
    for (unsigned group = thread; group < kLargestTile / 4; group += device::kThreads) {
      const PhiloxBlock words = dense_flips(stream, time, first / 4 + group);
      for (int w = 0; w < 4; ++w) atomicOr(masks + 4 * group + w, words.word[w] & field.mask());
    }
  }
}

/// Every thread of the block calls it; the masks are complete on return.
__device__ inline void draw_masks(const Plan& plan, NoiseTime time, std::uint64_t first,
                                  std::uint32_t* masks) {
  __syncthreads();  // the masks of the tile before are no longer read
  for (unsigned i = threadIdx.x; i < kLargestTile; i += device::kThreads) masks[i] = 0;
  __syncthreads();
  add_field(plan.how.exponent, plan.exponent_gap, plan.format.exponent, plan.how.rule, time, first,
            0, masks);
  add_field(plan.how.fraction, plan.fraction_gap, plan.format.fraction, plan.how.rule, time, first,
            device::kThreads / 2, masks);
  __syncthreads();
}

__device__ inline bool is_zeroed(const Plan& plan, std::uint32_t flipped, std::uint32_t mask) {
  if (plan.how.zeroes_only_flipped && mask == 0) return false;
  return (flipped & plan.format.magnitude) >= plan.how.zero_from;
}

inline unsigned blocks_for(std::int64_t count) {
  return device::grid_for((count / kLargestTile + 2) * device::kThreads);
}

}  // namespace kernels::bit_flips
