// SPDX-License-Identifier: GPL-3.0-or-later
// Random bit flips of one operand. For the element of global index e:
//   X = x as a word of the storage format, round to nearest even
//   F = X with every bit of the exponent field (sign included) flipped with probability 2^-h_exp,
//       every bit of the fraction field with 2^-h_frac; which ones: flip_stream.h
//   Z = 0 where |F| >= threshold, F infinite or NaN; else F
//   y = Z in the format asked for, round to nearest even
// Equal on every device, for any split of a tensor and any order of calls.
#pragma once

#include "kernels/bit_flip/flip_stream.h"
#include "kernels/device.h"

#include <cstdint>
#include <vector>

namespace kernels {

/// `upstream` draws what upstream's GPU path does, see upstream_flips().
enum class FlipRule { intended, upstream };

/// No magnitude reaches it.
inline constexpr std::uint32_t kNeverZero = 0xFFFFFFFF;

struct BitFlip {
  ElementType storage = ElementType::fp32;
  FlipStream exponent;
  FlipStream fraction;
  NoiseTime time;
  /// On CUDA, if not null, device memory that is read instead of `time`, see NoiseStream::clock.
  const NoiseTime* clock = nullptr;
  std::uint64_t first_element = 0;  ///< global index of the first element given
  FlipRule rule = FlipRule::intended;
  std::uint32_t zero_from =
      kNeverZero;                    ///< magnitudes from this word on become 0, see zero_out_word()
  bool zeroes_only_flipped = false;  ///< the threshold looks at flipped elements alone

  bool flips() const { return exponent.rarity != 0 || fraction.rarity != 0; }
  bool zeroes() const { return zero_from != kNeverZero; }
  BitFlip at(std::int64_t offset) const {
    BitFlip moved = *this;
    moved.first_element += static_cast<std::uint64_t>(offset);
    return moved;
  }
};

/// The least magnitude of the format that is at least `threshold` >= 0; infinity for a threshold
/// above all numbers, so that infinities and NaNs are always caught.
std::uint32_t zero_out_word(double threshold, ElementType storage);

/// What happened to an operand. On a device: four integers that the kernels add to.
struct FlipCounts {
  std::int64_t exponent = 0;    ///< bits flipped
  std::int64_t fraction = 0;    ///< bits flipped
  std::int64_t zeroed = 0;      ///< elements
  std::int64_t non_finite = 0;  ///< elements of the result
};

inline void add(FlipCounts& sum, const FlipCounts& counts) {
  sum.exponent += counts.exponent;
  sum.fraction += counts.fraction;
  sum.zeroed += counts.zeroed;
  sum.non_finite += counts.non_finite;
}

/// Null `counts` = not counted. `x` and `y` may be the same memory if they have the same type.
namespace reference {
void flip(const void* x, ElementType x_type, std::int64_t count, const BitFlip& how, void* y,
          ElementType y_type, FlipCounts* counts);
/// gradient[i] = 0 where flip() zeroes x[i].
void stop_gradient(const void* x, ElementType x_type, std::int64_t count, const BitFlip& how,
                   void* gradient, ElementType gradient_type);
}  // namespace reference

namespace cpu {

/// As reference, bit for bit.
void flip(const void* x, ElementType x_type, std::int64_t count, const BitFlip& how, void* y,
          ElementType y_type, FlipCounts* counts);
void stop_gradient(const void* x, ElementType x_type, std::int64_t count, const BitFlip& how,
                   void* gradient, ElementType gradient_type);

/// The words that flip_in_place() changed, as they were, in the order of the changes.
struct FlipLog {
  struct Entry {
    std::int64_t index;
    std::uint32_t word;
    bool zeroed;
  };
  std::vector<Entry> entries;
};

/// Whether flips are so rare that changing single words costs next to nothing.
bool can_flip_in_place(const BitFlip& how);

/// flip() within `data`, whose format is the storage format: reads it once if there is a threshold,
/// else touches flipped words alone. False, with everything as it was, when more than one word in
/// sixteen would change. Undo with restore().
bool flip_in_place(void* data, std::int64_t count, const BitFlip& how, FlipLog& log,
                   FlipCounts* counts);
void restore(void* data, ElementType type, const FlipLog& log);
/// gradient[i] = 0 for each i that was zeroed.
void stop_gradient(void* gradient, ElementType type, const FlipLog& log);

}  // namespace cpu

#ifdef PARADIGM_WITH_CUDA
/// As reference, bit for bit, on device memory; asynchronous on `stream`, capturable.
namespace cuda {
/// Tiles of the flips that an operand touches.
std::int64_t tiles_of(std::int64_t count, std::uint64_t first_element);

/// Which elements of an operand were zeroed: bit p mod 32 of word p div 32, p counted from the
/// first element of the operand's first tile, which may lie before the operand. zero_words() of
/// them, in device memory that need not be initialised. Null = nobody asks.
using ZeroBits = std::uint32_t*;
inline std::int64_t zero_words(std::int64_t count, std::uint64_t first_element) {
  return tiles_of(count, first_element) * (kLargestTile / 32);
}

/// Writes `zeroed` too.
void flip(const void* x, ElementType x_type, std::int64_t count, const BitFlip& how, void* y,
          ElementType y_type, FlipCounts* counts, Stream stream, ZeroBits zeroed = nullptr);
/// gradient[i] = 0 where `zeroed` says so.
void stop_gradient(const std::uint32_t* zeroed, std::int64_t count, std::uint64_t first_element,
                   void* gradient, ElementType gradient_type, Stream stream);
/// Flips alone, no threshold, within `data`, whose format is the storage format: touches flipped
/// words only. The same call once more undoes it.
void toggle(void* data, std::int64_t count, const BitFlip& how, Stream stream);
}  // namespace cuda
#endif

}  // namespace kernels
