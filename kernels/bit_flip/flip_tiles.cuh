// SPDX-License-Identifier: GPL-3.0-or-later
// Where a largest tile of an operand lies, and what a whole block does with it.
#pragma once

#include "kernels/bit_flip/bit_flip_masks.cuh"

namespace kernels::bit_flips {

struct Tile {
  std::uint64_t index;  ///< counted from the operand's first
  std::uint64_t first;  ///< global element
  std::int64_t start;   ///< in the operand; the first tile may begin before it

  __device__ Tile(const Plan& plan, std::uint64_t of_operand)
      : index(of_operand),
        first((plan.how.first_element / kLargestTile + of_operand) * kLargestTile),
        start(static_cast<std::int64_t>(first - plan.how.first_element)) {}
};

/// gradient[i] = 0 where the tile's flips zero x[i].
template <typename X, typename G>
__device__ void stop_tile(const X* x, ElementType x_type, std::int64_t count, const Plan& plan,
                          NoiseTime time, const Tile& tile, G* gradient, std::uint32_t* masks) {
  draw_masks(plan, time, tile.first, masks);
  for (unsigned in_tile = threadIdx.x; in_tile < kLargestTile; in_tile += device::kThreads) {
    const std::int64_t i = tile.start + in_tile;
    if (i < 0 || i >= count) continue;
    const std::uint32_t mask = masks[in_tile];
    if (plan.how.zeroes_only_flipped && mask == 0) continue;
    const std::uint32_t stored = converted_word(x[i], x_type, plan.how.storage);
    if (is_zeroed(plan, stored ^ mask, mask)) gradient[i] = 0;
  }
}

}  // namespace kernels::bit_flips
