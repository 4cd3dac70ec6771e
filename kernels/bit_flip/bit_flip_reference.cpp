// SPDX-License-Identifier: GPL-3.0-or-later
// Element by element from whole masks: the oracle of every faster version.
#include "kernels/bit_flip/bit_flip.h"

#include <algorithm>
#include <bit>
#include <vector>

namespace kernels {
namespace {

std::uint32_t word_at(const void* data, ElementType type, std::int64_t i) {
  if (type == ElementType::fp32) return static_cast<const std::uint32_t*>(data)[i];
  return static_cast<const std::uint16_t*>(data)[i];
}

void set_word(void* data, ElementType type, std::int64_t i, std::uint32_t word) {
  if (type == ElementType::fp32) {
    static_cast<std::uint32_t*>(data)[i] = word;
  } else {
    static_cast<std::uint16_t*>(data)[i] = static_cast<std::uint16_t>(word);
  }
}

void add_field(const FlipStream& stream, const BitField& field, const BitFlip& how,
               std::vector<std::uint32_t>& masks) {
  if (stream.rarity == 0) return;
  const std::uint64_t first = how.first_element;
  const std::uint64_t end = first + masks.size();
  if (how.rule == FlipRule::upstream) {
    for (std::uint64_t e = first; e < end; ++e) {
      masks[e - first] |= upstream_flips(stream, e) & field.mask();
    }
  } else if (is_sparse(stream.rarity)) {
    const std::uint64_t tile = std::uint64_t{1} << log2_tile(stream.rarity);
    for (std::uint64_t begin = first / tile * tile; begin < end; begin += tile) {
      for_each_flip(stream, mean_gap(stream.rarity), field, how.time, begin,
                    [&](std::uint32_t element, std::uint32_t bit) {
                      const std::uint64_t e = begin + element;
                      if (e >= first && e < end) masks[e - first] |= std::uint32_t{1} << bit;
                    });
    }
  } else {
    for (std::uint64_t e = first; e < end; ++e) {
      masks[e - first] |= dense_flips(stream, how.time, e / 4).word[e % 4] & field.mask();
    }
  }
}

std::vector<std::uint32_t> flip_masks(const BitFlip& how, std::int64_t count) {
  const WordFormat format = word_format(how.storage);
  std::vector<std::uint32_t> masks(static_cast<std::size_t>(count), 0);
  add_field(how.exponent, format.exponent, how, masks);
  add_field(how.fraction, format.fraction, how, masks);
  return masks;
}

bool is_zeroed(std::uint32_t flipped, std::uint32_t mask, const BitFlip& how) {
  if (how.zeroes_only_flipped && mask == 0) return false;
  return (flipped & word_format(how.storage).magnitude) >= how.zero_from;
}

}  // namespace

std::uint32_t zero_out_word(double threshold, ElementType storage) {
  std::uint32_t low = 0;
  std::uint32_t high = word_format(storage).infinity;
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    const auto value = std::bit_cast<float>(converted_word(middle, storage, ElementType::fp32));
    if (static_cast<double>(value) >= threshold) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

namespace reference {

void flip(const void* x, ElementType x_type, std::int64_t count, const BitFlip& how, void* y,
          ElementType y_type, FlipCounts* counts) {
  const WordFormat format = word_format(how.storage);
  const WordFormat y_format = word_format(y_type);
  const std::vector<std::uint32_t> masks = flip_masks(how, count);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint32_t mask = masks[static_cast<std::size_t>(i)];
    const std::uint32_t stored = converted_word(word_at(x, x_type, i), x_type, how.storage);
    const std::uint32_t flipped = stored ^ mask;
    const bool zeroed = is_zeroed(flipped, mask, how);
    const std::uint32_t result = converted_word(zeroed ? 0 : flipped, how.storage, y_type);
    set_word(y, y_type, i, result);
    if (counts == nullptr) continue;
    counts->exponent += std::popcount(mask & format.exponent.mask());
    counts->fraction += std::popcount(mask & format.fraction.mask());
    counts->zeroed += zeroed;
    counts->non_finite += (result & y_format.magnitude) >= y_format.infinity;
  }
}

void stop_gradient(const void* x, ElementType x_type, std::int64_t count, const BitFlip& how,
                   void* gradient, ElementType gradient_type) {
  const std::vector<std::uint32_t> masks = flip_masks(how, count);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint32_t mask = masks[static_cast<std::size_t>(i)];
    const std::uint32_t stored = converted_word(word_at(x, x_type, i), x_type, how.storage);
    if (is_zeroed(stored ^ mask, mask, how)) set_word(gradient, gradient_type, i, 0);
  }
}

}  // namespace reference
}  // namespace kernels
