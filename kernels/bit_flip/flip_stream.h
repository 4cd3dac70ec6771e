// SPDX-License-Identifier: GPL-3.0-or-later
// Which bits flip: everything that decides a position, for host and device from this one source and
// in integers alone. A field of an element is hit with probability 2^-h per bit, independently,
// as a pure function of (key, element, step, micro-step).
//
// Sparse, h >= 6: tiles of 2^min(h - 1, 11) elements; a tile's bits lie in one row, bit plane after
// bit plane, and geometric gaps lead from flip to flip. The row starts anew at each tile, which is
// exact because the process has no memory. Draw i of the tile that begins at element e is word
// 32 e + i of the stream.
// Dense, h <= 5: the AND of h words. Word j of element e is word 32 (e div 4) + 4 j + e mod 4.
#pragma once

#include "kernels/bit_flip/word_format.h"
#include "kernels/philox.h"

#include <cstdint>

namespace kernels {

/// 2^-24 is the least probability of a flip.
inline constexpr std::int32_t kMostRarity = 24;

/// The stream of one field of one operand. `rarity` is h of p = 2^-h; 0 = the field is never
/// flipped. Under FlipRule::upstream the key is the seed of this very forward.
struct FlipStream {
  std::uint64_t key = 0;
  std::int32_t rarity = 0;
};

PARADIGM_HOST_DEVICE constexpr bool is_sparse(std::int32_t rarity) { return rarity >= 6; }

/// Elements of a tile of sparse flips, as a power of two. All tiles divide the largest one.
inline constexpr std::uint32_t kLargestTile = 2048;
PARADIGM_HOST_DEVICE constexpr std::uint32_t log2_tile(std::int32_t rarity) {
  return rarity >= 12 ? 11 : static_cast<std::uint32_t>(rarity - 1);
}

PARADIGM_HOST_DEVICE inline std::uint64_t high_product(std::uint64_t a, std::uint64_t b) {
#ifdef __CUDA_ARCH__
  return __umul64hi(a, b);
#else
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((static_cast<Wide>(a) * b) >> 64);
#endif
}

PARADIGM_HOST_DEVICE inline std::uint32_t leading_zeros(std::uint32_t x) {
#ifdef __CUDA_ARCH__
  return static_cast<std::uint32_t>(__clz(static_cast<int>(x)));
#else
  return static_cast<std::uint32_t>(__builtin_clz(x));
#endif
}

/// -ln(u) in units of 2^-59 for u = (word + 1) / 2^32, which is never 0: word 0 gives 22.18, the
/// last word 0. With u = 2^-s (1 - v), v in [0, 1/2]: s ln 2 + v G(v), where the polynomial G
/// interpolates -ln(1 - v) / v at eleven Chebyshev points around 1/4. Relative error below 2^-29.
PARADIGM_HOST_DEVICE inline std::uint64_t negative_log(std::uint32_t word) {
  const std::uint32_t n = word + 1;
  if (n == 0) return 0;
  const std::uint32_t s = leading_zeros(n);
  const std::uint32_t v = 0u - (n << s);  // of 2^32
  const std::int64_t t = static_cast<std::int64_t>(v) - (std::int64_t{1} << 30);
  std::int64_t g = 4632833579;  // of 2^31
  g = 3813772852 + ((g * t) >> 32);
  g = 2373867168 + ((g * t) >> 32);
  g = 2011418768 + ((g * t) >> 32);
  g = 1782835013 + ((g * t) >> 32);
  g = 1567429305 + ((g * t) >> 32);
  g = 1418425060 + ((g * t) >> 32);
  g = 1342146725 + ((g * t) >> 32);
  g = 1361235967 + ((g * t) >> 32);
  g = 1568565438 + ((g * t) >> 32);
  g = 2471170186 + ((g * t) >> 32);
  constexpr std::uint64_t ln2 = 399572145162582989;
  return s * ln2 + ((static_cast<std::uint64_t>(v) * static_cast<std::uint64_t>(g)) >> 4);
}

/// 1 / -ln(1 - 2^-h) in units of 2^-40.
inline std::uint64_t mean_gap(std::int32_t rarity) {
  constexpr std::uint64_t table[kMostRarity + 1] = {0,
                                                    1586259972792,
                                                    3821967835553,
                                                    8234105899485,
                                                    17036517236462,
                                                    34631707318566,
                                                    69817545411273,
                                                    140187013903442,
                                                    280924862282042,
                                                    562400018475474,
                                                    1125350061506533,
                                                    2251250013121191,
                                                    4503049849184256,
                                                    9006649487741611,
                                                    18013848748075520,
                                                    36028247260353835,
                                                    72057044280715936,
                                                    144114638319342931,
                                                    288229826395548330,
                                                    576460202547434837,
                                                    1152920954850945707,
                                                    2305842459457836373,
                                                    4611685468671552171,
                                                    9223371487098950997,
                                                    18446743523953732267u};
  return table[rarity];
}

/// Bits left alone before the next flip: floor(ln u / ln(1 - 2^-h)), at most 372,130,547.
PARADIGM_HOST_DEVICE inline std::uint32_t flip_gap(std::uint32_t word,
                                                   std::uint64_t mean_gap_of_h) {
  return static_cast<std::uint32_t>(high_product(negative_log(word), mean_gap_of_h) >> 35);
}

/// Calls visit(element of the tile, bit of the word) for each flip of one sparse field in the tile
/// that begins at the global element `tile_first`.
template <typename Visit>
PARADIGM_HOST_DEVICE inline void for_each_flip(const FlipStream& stream,
                                               std::uint64_t mean_gap_of_h, const BitField& field,
                                               NoiseTime time, std::uint64_t tile_first,
                                               Visit&& visit) {
  const std::uint32_t log2_elements = log2_tile(stream.rarity);
  const std::uint32_t end = field.bits << log2_elements;
  std::uint32_t position = 0;
  for (std::uint64_t block = 8 * tile_first;; ++block) {
    const PhiloxBlock draws = noise_block(stream.key, block, time);
    for (int draw = 0; draw < 4; ++draw) {
      position += flip_gap(draws.word[draw], mean_gap_of_h);
      if (position >= end) return;
      visit(position & ((1u << log2_elements) - 1), field.first_bit + (position >> log2_elements));
      ++position;
    }
  }
}

#ifdef __CUDACC__
/// The same by four neighbouring lanes, each of which visits its own flips: their draws, long
/// chains of dependent instructions, take the time of one.
template <typename Visit>
__device__ inline void for_each_flip_by_four(const FlipStream& stream, std::uint64_t mean_gap_of_h,
                                             const BitField& field, NoiseTime time,
                                             std::uint64_t tile_first, Visit&& visit) {
  const unsigned draw = threadIdx.x % 4;
  const unsigned four = 0xFu << (threadIdx.x % 32 - draw);
  const std::uint32_t log2_elements = log2_tile(stream.rarity);
  const std::uint32_t end = field.bits << log2_elements;
  std::uint32_t begin = 0;
  for (std::uint64_t block = 8 * tile_first; begin < end; ++block) {
    const PhiloxBlock draws = noise_block(stream.key, block, time);
    const std::uint32_t word = draw == 0   ? draws.word[0]
                               : draw == 1 ? draws.word[1]
                               : draw == 2 ? draws.word[2]
                                           : draws.word[3];
    std::uint32_t gaps = flip_gap(word, mean_gap_of_h);  // of this draw and those before
    for (unsigned distance = 1; distance < 4; distance *= 2) {
      const std::uint32_t before = __shfl_up_sync(four, gaps, distance, 4);
      if (draw >= distance) gaps += before;
    }
    const std::uint32_t position = begin + gaps + draw;
    if (position < end) {
      visit(position & ((1u << log2_elements) - 1), field.first_bit + (position >> log2_elements));
    }
    begin = __shfl_sync(four, position, 3, 4) + 1;
  }
}
#endif

/// The flips of one dense field in elements 4·group … 4·group + 3, before the field's mask.
PARADIGM_HOST_DEVICE inline PhiloxBlock dense_flips(const FlipStream& stream, NoiseTime time,
                                                    std::uint64_t group) {
  PhiloxBlock all = noise_block(stream.key, 8 * group, time);
  for (std::int32_t j = 1; j < stream.rarity; ++j) {
    const PhiloxBlock words =
        noise_block(stream.key, 8 * group + static_cast<std::uint64_t>(j), time);
    for (int w = 0; w < 4; ++w) all.word[w] &= words.word[w];
  }
  return all;
}

/// Word `counter` alone in the counter, as many Philox rounds as asked for.
PARADIGM_HOST_DEVICE inline PhiloxBlock philox_rounds(std::uint64_t key, std::uint32_t counter,
                                                      int rounds) {
  std::uint32_t k0 = static_cast<std::uint32_t>(key);
  std::uint32_t k1 = static_cast<std::uint32_t>(key >> 32);
  std::uint32_t c0 = counter, c1 = 0, c2 = 0, c3 = 0;
  for (int round = 0; round < rounds; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53u} * c0;
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57u} * c2;
    c0 = static_cast<std::uint32_t>(product1 >> 32) ^ c1 ^ k0;
    c2 = static_cast<std::uint32_t>(product0 >> 32) ^ c3 ^ k1;
    c1 = static_cast<std::uint32_t>(product1);
    c3 = static_cast<std::uint32_t>(product0);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

/// What upstream's GPU path draws, kept for published trends: the AND of h words, four for each
/// seed, at a counter that knows the element's offset and nothing else; fewer rounds for frequent
/// flips.
PARADIGM_HOST_DEVICE inline std::uint32_t upstream_flips(const FlipStream& stream,
                                                         std::uint64_t offset) {
  const int rounds = stream.rarity < 13 ? 10 : stream.rarity < 19 ? 12 : 16;
  std::uint32_t all = 0xFFFFFFFF;
  for (std::int32_t h = 0; h < stream.rarity; h += 4) {
    const std::uint64_t seed = stream.key + static_cast<std::uint64_t>(h / 4);
    const PhiloxBlock words = philox_rounds(seed, static_cast<std::uint32_t>(offset), rounds);
    for (int w = 0; w < 4 && h + w < stream.rarity; ++w) all &= words.word[w];
  }
  return all;
}

}  // namespace kernels
