// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "kernels/bit_flip/bit_flip_masks.cuh"

namespace kernels::bit_flips {

/// Calls flip(layer, global element, bit) for each flip of the tiles from `first_tile` on, each
/// field of a tile by one lane or by four neighbours.
template <typename PlanAt, typename Flip>
__device__ void draw_tiles(int lanes, int layers, const PlanAt& plan_at, std::uint64_t first_tile,
                           int tiles, const Flip& flip) {
  const int fields = layers * tiles * 2;
  for (int field = static_cast<int>(threadIdx.x) / lanes; field < fields;
       field += static_cast<int>(blockDim.x) / lanes) {
    const int layer = field / (2 * tiles);
    const Plan& plan = plan_at(layer);
    const bool is_exponent = field % 2 == 0;
    const FlipStream stream = is_exponent ? plan.how.exponent : plan.how.fraction;
    if (stream.rarity == 0) continue;
    const std::uint64_t gap = is_exponent ? plan.exponent_gap : plan.fraction_gap;
    const BitField bits = is_exponent ? plan.format.exponent : plan.format.fraction;
    const std::uint64_t tile =
        (first_tile + static_cast<std::uint64_t>(field / 2 % tiles)) * kLargestTile;
    const unsigned log2_elements = log2_tile(stream.rarity);
    for (unsigned part = 0; part < kLargestTile >> log2_elements; ++part) {
      const std::uint64_t begin = tile + (part << log2_elements);
      const auto visit = [&](std::uint32_t element, std::uint32_t bit) {
        flip(layer, begin + element, bit);
      };
      if (lanes == 4) {
        for_each_flip_by_four(stream, gap, bits, time_of(plan.how), begin, visit);
      } else {
        for_each_flip(stream, gap, bits, time_of(plan.how), begin, visit);
      }
    }
  }
}

}  // namespace kernels::bit_flips
