// SPDX-License-Identifier: GPL-3.0-or-later
// Which elements of an operand were zeroed, and its gradient that stops there.
#pragma once

#include "kernels/bit_flip/bit_flip_masks.cuh"

namespace kernels::bit_flips {

constexpr int kZeroWordsOfTile = static_cast<int>(kLargestTile) / 32;

/// A word of 32 zero bits, and the elements that it is about.
struct ZeroWord {
  std::uint64_t index;  ///< of an operand's words
  std::int64_t start;   ///< of the operand; the first tile's may lie before it

  __device__ ZeroWord(std::uint64_t of_operand, std::uint64_t first_element)
      : index(of_operand),
        start(static_cast<std::int64_t>(32 * of_operand) -
              static_cast<std::int64_t>(first_element % kLargestTile)) {}
};

/// gradient[i] = 0 for each bit set in a word.
template <typename G>
__device__ void stop_word(const std::uint32_t* zeroed, const ZeroWord& word, G* gradient) {
  for (std::uint32_t bits = zeroed[word.index]; bits != 0; bits &= bits - 1) {
    gradient[word.start + __ffs(static_cast<int>(bits)) - 1] = G{0};
  }
}

}  // namespace kernels::bit_flips
