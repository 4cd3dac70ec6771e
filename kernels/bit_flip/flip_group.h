// SPDX-License-Identifier: GPL-3.0-or-later
// Bit flips around the products of layers that read one input, for rare flips in 16 bits. The
// products take turns on the input itself: it is flipped as the first layer sees it, then from each
// layer's flips to the next one's, then put back. What changes is a word in thousands, noted in one
// pass over the input; everything after looks at the notes alone. Bit for bit what bit_flip.h says.
#pragma once

#include "kernels/bit_flip/bit_flip.h"

#include <cstddef>
#include <cstdint>
#include <span>

#ifdef PARADIGM_WITH_CUDA
namespace kernels::cuda {

/// Layers of a group.
inline constexpr std::size_t kMostOfGroup = 3;

/// What one layer's flips change in an operand: device memory for its tiles_of(). Needed until the
/// gradient is complete; `held` alone of an entry is written after the first pass.
struct FlipNotes {
  static constexpr int kSlots = 16;  ///< changed words of a tile; more, and it is copied whole
  struct Entry {
    std::uint16_t in_tile;  ///< with kZeroed
    std::uint16_t held;     ///< of the gradient, while a product is added to it
    std::uint16_t old_word, new_word;
  };
  static constexpr std::uint16_t kZeroed = 0x8000;

  int* counts = nullptr;     ///< [tiles]; above kSlots: crowded
  Entry* entries = nullptr;  ///< [tiles][kSlots]
};

struct NotedFlips {
  BitFlip how;
  FlipNotes notes;
};

/// Which elements of a weight's copy were zeroed: device memory for its tiles_of().
struct ZeroNotes {
  static constexpr int kSlots = 16;
  int* counts = nullptr;              ///< [tiles]; above kSlots: crowded
  std::uint16_t* elements = nullptr;  ///< [tiles][kSlots], in the tile
};

/// An operand that is changed in place, in 16-bit words of the storage format.
struct FlippedInPlace {
  void* data = nullptr;
  std::int64_t count = 0;
  std::uint16_t* copies = nullptr;  ///< [count]; of crowded tiles, from a change to its undoing
};

/// A weight and its flipped copy, and what to do with the weight's gradient. Without a threshold
/// there need be no zeroes and no gradient.
struct FlippedWeight {
  const float* weight = nullptr;
  std::int64_t count = 0;
  BitFlip how;
  ZeroNotes zeroes;               ///< written with the copy, read with the gradient
  std::uint16_t* copy = nullptr;  ///< in the storage format, which has 16 bits
  float* gradient = nullptr;      ///< set to 0 where the copy was zeroed
};

/// Whether flips in 16-bit words are so rare that a group may note them.
bool can_note_flips(const BitFlip& how);

/// Notes what each layer's flips change in x, all of the same threshold and tiles, and leaves x as
/// the first layer sees it; copies the weights. Either may be empty.
void flip_group(const FlippedInPlace& x, std::span<const NotedFlips> layers,
                std::span<const FlippedWeight> weights, Stream stream);

/// From one layer's x to another's.
struct FlipChange {
  FlippedInPlace x;
  const NotedFlips* from = nullptr;  ///< null: x is clean
  const NotedFlips* to = nullptr;    ///< null: x becomes clean
  /// If not null, the gradient of x in 16 bits, [x.count], to which the product of each layer is
  /// added in turn. Where `from` zeroed x it loses what came of that layer: it becomes what it was
  /// before, and 0 behind the first of all. Where `to` zeroes x, its value is held.
  void* gradient = nullptr;
  bool is_first = false;                ///< `from` is the first whose product went there
  std::uint16_t* held_tiles = nullptr;  ///< [x.count]; of crowded tiles, where layers are several
};

/// `weights`: whose gradients are complete.
void change_flips(const FlipChange& change, std::span<const FlippedWeight> weights, Stream stream);

}  // namespace kernels::cuda
#endif
