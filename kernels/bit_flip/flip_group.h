// SPDX-License-Identifier: GPL-3.0-or-later
// Bit flips of layers that read one input, for rare flips in 16 bits. One product serves all
// layers: it takes the input as they see it but for the flips, and the few flips of each layer are
// added to its outputs, x̃·w̃ᵀ = x·w̃ᵀ + (x̃ - x)·w̃ᵀ, and to its weight's gradient, gᵀ·x̃ = gᵀ·x + gᵀ·(x̃
// - x). A layer by itself sees its flips in the input or a copy of it. Which words flip and what
// becomes of them is bit for bit what bit_flip.h says.
#pragma once

#include "kernels/bit_flip/bit_flip.h"
#include "kernels/range_statistics/range_statistics.h"

#include <cstddef>
#include <cstdint>
#include <span>

#ifdef PARADIGM_WITH_CUDA
namespace kernels::cuda {

/// Layers of a group.
inline constexpr std::size_t kMostOfGroup = 3;
/// Inputs and outputs of a group's layers come in as many.
inline constexpr std::int64_t kGroupInputs = 32, kGroupOutputs = 8;
inline constexpr std::int64_t kMostGroupInputs = 8192;

/// Whether flips in 16-bit words are so rare that a group may note them.
bool can_note_flips(const BitFlip& how);
/// Whether several layers may share a product: it takes no value that a flip could cancel.
bool can_share_product(const BitFlip& how);

/// One word of the input that a layer sees differently.
struct FlipEntry {
  static constexpr std::uint16_t kZeroed = 0x8000;  ///< the layer sees 0, and its gradient stops
  static constexpr std::uint16_t kLarge = 0x4000;  ///< of the input, where every other layer sees 0
  static constexpr std::uint16_t kColumn = 0x3FFF;

  std::uint16_t row;     ///< of the segment
  std::uint16_t column;  ///< with the marks above
  std::uint16_t base;    ///< the word that the product takes
  std::uint16_t value;   ///< the word that the layer sees
};

/// The same by column, for the gradient of a layer's weight.
struct ColumnFlip {
  static constexpr int kPanel = 8;  ///< neighbouring columns that share a list

  std::uint32_t row_and_column;  ///< 8 · row + column of the panel
  std::uint16_t base, value;
};

/// Where a row's entries lie among those of its segment.
struct RowFlips {
  std::uint64_t word = 0;  ///< for each layer 8 bits of either

  PARADIGM_HOST_DEVICE int first(int layer) const {
    return static_cast<int>(word >> (16 * layer) & 0xFF);
  }
  PARADIGM_HOST_DEVICE int count(int layer) const {
    return static_cast<int>(word >> (16 * layer + 8) & 0xFF);
  }
  PARADIGM_HOST_DEVICE void set(int layer, int first, int count) {
    word |= static_cast<std::uint64_t>(first | count << 8) << (16 * layer);
  }
};

/// What layers change in an input, by segments of whole rows: device memory that need not be
/// initialised, needed until the gradients are complete.
struct FlipNotes {
  static constexpr int kEntries = 128;  ///< of a segment: four times what can be expected at most
  static constexpr int kElements = 16384;  ///< of a segment at most
  static constexpr int kLargeWords = kElements / 32;

  // Written by note_flips().
  int* counts = nullptr;             ///< [layers][segments]
  FlipEntry* entries = nullptr;      ///< [layers][segments][kEntries], ascending
  std::uint16_t* columns = nullptr;  ///< theirs once more
  RowFlips* rows = nullptr;          ///< [rows]; null: nobody asks
  int* large_counts = nullptr;     ///< [segments]: of elements that every layer sees as 0, or more
  std::uint32_t* large = nullptr;  ///< [segments][kLargeWords]: their bits, where there are any
  // Written by correct_outputs() and its like, which read `rows`, too.
  int* panel_counts = nullptr;   ///< [layers][panels]
  ColumnFlip* panels = nullptr;  ///< [layers][panels][panel_room()], by row
};

/// [rows][columns] words of 16 bits in the storage format.
struct GroupInput {
  void* data = nullptr;
  std::int64_t rows = 0, columns = 0;
  /// Of all of its values, or null: where no word can be too large none is looked at.
  ObservedRange observed = nullptr;
};
std::int64_t segments_of(std::int64_t rows, std::int64_t columns);
/// Flips of a panel: twice what can be expected at most, and some.
std::int64_t panel_room(std::int64_t rows, std::int64_t columns);

/// Notes what each of `layers`, all of the same threshold, changes in the input. What is too large
/// in the input becomes 0. With `seen`, memory like the input or the input itself, that gets what
/// the first layer sees, and the input by itself stays as it is.
void note_flips(const GroupInput& x, std::span<const BitFlip> layers, const FlipNotes& notes,
                void* seen, Stream stream);

struct FlippedWeight {
  const float* data = nullptr;  ///< [outputs][columns]
  std::int64_t outputs = 0, columns = 0;
  BitFlip how;
  ZeroBits zeroed = nullptr;        ///< there need be none without a threshold
  std::uint16_t* values = nullptr;  ///< as its layer sees it: [columns][pitch], `outputs` of them
  std::int64_t pitch = 0;
};

/// Copies any number of weights.
void flip_weights(std::span<const FlippedWeight> weights, Stream stream);

/// What the launches after a product need to know of its group.
struct NotedGroup {
  ElementType type = ElementType::bf16;  ///< of 16 bits, of all operands
  std::int64_t rows = 0, columns = 0;
  std::span<const std::int64_t> outputs;  ///< of each layer
  const std::uint16_t* weights =
      nullptr;  ///< [columns][outputs of all], as flip_weights() left them
  FlipNotes notes;
};

/// Adds what the flips of each layer change in its outputs, and lists them by column. `y`:
/// [rows][outputs of all].
void correct_outputs(const NotedGroup& group, std::uint16_t* y, Stream stream);

/// The same on the way into SwiGLU, for a layer of gates and one of as many ups: what
/// correct_outputs() and swiglu_rows() make one behind the other, bit for bit. `gate_up` and `y`
/// [rows][outputs of each] are aligned to 16 bytes. Without lists in the notes there is nothing to
/// correct. `extent`: where the range of y is folded in, or null.
void gate_outputs(const NotedGroup& group, std::uint16_t* gate_up, std::uint16_t* y,
                  ObservedRange extent, Stream stream);

/// Makes the input that one layer sees what another one sees.
void turn_flips(const NotedGroup& group, std::uint16_t* x, std::size_t from, std::size_t to,
                Stream stream);

struct GroupGradients {
  const std::uint16_t* outputs = nullptr;  ///< [rows][outputs of all], aligned to 16 bytes
  std::uint16_t* input = nullptr;          ///< [rows][columns]
  float* weights = nullptr;                ///< [outputs of all][columns]
  /// Of each weight; null where it has no threshold.
  const std::uint32_t* zeroed_weights[kMostOfGroup] = {};
};

/// Makes the gradients of the products those of the layers: adds what flips change in the weights',
/// where correct_outputs() has listed them, and stops both where the layer's operand was zeroed.
/// Without notes the input was exact.
void correct_gradients(const NotedGroup& group, const GroupGradients& gradients, Stream stream);

}  // namespace kernels::cuda
#endif
