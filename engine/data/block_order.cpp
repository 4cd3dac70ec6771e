// SPDX-License-Identifier: GPL-3.0-or-later
// A Feistel network over the smallest even number of bits that holds `count`, walked until it lands
// inside: the permutation needs no table, and any position costs the same.
#include "engine/data/token_dataset.h"
#include "kernels/noise_key.h"
#include "kernels/philox.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace engine {
namespace {

constexpr std::uint64_t purpose =
    0x626C6F636B6F7264ull;  // keeps these draws apart from the simulation's noise
constexpr int rounds = 8;
// A network of a few bits reaches few permutations: below 256 blocks, walk more instead.
constexpr int least_half_bits = 4;

}  // namespace

BlockOrder::BlockOrder(std::uint64_t seed, std::int64_t epoch, std::int64_t count)
    : key_(kernels::mix(
          kernels::mix(kernels::mix(seed ^ purpose) ^ static_cast<std::uint64_t>(epoch)) ^
          static_cast<std::uint64_t>(count))),
      count_(count) {}

std::int64_t BlockOrder::operator[](std::int64_t position) const {
  assert(position >= 0 && position < count_);
  const int bits = std::bit_width(static_cast<std::uint64_t>(count_ - 1));
  const int half = std::max(least_half_bits, (bits + 1) / 2);
  const std::uint64_t mask = (std::uint64_t{1} << half) - 1;
  auto value = static_cast<std::uint64_t>(position);
  do {
    std::uint64_t left = value >> half;
    std::uint64_t right = value & mask;
    for (int round = 0; round < rounds; ++round) {
      const std::uint32_t word = kernels::philox(key_, static_cast<std::uint32_t>(right),
                                                 static_cast<std::uint32_t>(round), 0, 0)
                                     .word[0];
      const std::uint64_t next = left ^ (word & mask);
      left = right;
      right = next;
    }
    value = (left << half) | right;
  } while (value >= static_cast<std::uint64_t>(count_));
  return static_cast<std::int64_t>(value);
}

}  // namespace engine
