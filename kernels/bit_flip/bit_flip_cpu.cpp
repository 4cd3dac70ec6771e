// SPDX-License-Identifier: GPL-3.0-or-later
// In pieces of one largest tile, 8 KiB of fp32, that stay in the first-level cache: sparse flips go
// straight to their words, dense ones are drawn for sixteen blocks at a time, and the threshold is
// one vector comparison over the piece.
#include "kernels/bit_flip/bit_flip.h"
#include "kernels/isa_dispatch.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <vector>

namespace kernels::cpu {
namespace {

/// Where a piece reaches the threshold, only so many words are looked at one by one.
constexpr std::uint32_t kSearched = 128;

template <typename Word>
PARADIGM_ALWAYS_INLINE bool any_reaches_loop(const Word* words, std::uint32_t count,
                                             std::uint32_t magnitude, std::uint32_t zero_from) {
  const Word mask = static_cast<Word>(magnitude);
  const Word least = static_cast<Word>(zero_from);
  Word any = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    any = static_cast<Word>(any | ((words[i] & mask) >= least ? 1 : 0));
  }
  return any != 0;
}

PARADIGM_ALWAYS_INLINE bool any_reaches_32_body(const std::uint32_t* words, std::uint32_t count,
                                                std::uint32_t magnitude, std::uint32_t zero_from) {
  return any_reaches_loop(words, count, magnitude, zero_from);
}
PARADIGM_ALWAYS_INLINE bool any_reaches_16_body(const std::uint16_t* words, std::uint32_t count,
                                                std::uint32_t magnitude, std::uint32_t zero_from) {
  return any_reaches_loop(words, count, magnitude, zero_from);
}

template <ElementType from, ElementType to, typename From, typename To>
PARADIGM_ALWAYS_INLINE void convert_loop(const void* source, std::uint32_t count, void* target) {
  const From* in = static_cast<const From*>(source);
  To* out = static_cast<To*>(target);
  for (std::uint32_t i = 0; i < count; ++i) {
    out[i] = static_cast<To>(converted_word(in[i], from, to));
  }
}

/// From a tensor's words to words of the storage format, each in 32 bits.
PARADIGM_ALWAYS_INLINE void load_words_body(const void* x, ElementType type, std::uint32_t count,
                                            ElementType storage, std::uint32_t* words) {
  using enum ElementType;
  const auto from = [&]<ElementType t, typename T>() {
    if (storage == fp32) return convert_loop<t, fp32, T, std::uint32_t>(x, count, words);
    if (storage == bf16) return convert_loop<t, bf16, T, std::uint32_t>(x, count, words);
    return convert_loop<t, fp16, T, std::uint32_t>(x, count, words);
  };
  if (type == fp32) return from.template operator()<fp32, std::uint32_t>();
  if (type == bf16) return from.template operator()<bf16, std::uint16_t>();
  return from.template operator()<fp16, std::uint16_t>();
}

PARADIGM_ALWAYS_INLINE void store_words_body(const std::uint32_t* words, ElementType storage,
                                             std::uint32_t count, ElementType type, void* y) {
  using enum ElementType;
  const auto to = [&]<ElementType t, typename T>() {
    if (storage == fp32) return convert_loop<fp32, t, std::uint32_t, T>(words, count, y);
    if (storage == bf16) return convert_loop<bf16, t, std::uint32_t, T>(words, count, y);
    return convert_loop<fp16, t, std::uint32_t, T>(words, count, y);
  };
  if (type == fp32) return to.template operator()<fp32, std::uint32_t>();
  if (type == bf16) return to.template operator()<bf16, std::uint16_t>();
  return to.template operator()<fp16, std::uint16_t>();
}

/// masks[i] |= flips of element 4·group + i, within `field`. Sixteen blocks side by side.
PARADIGM_ALWAYS_INLINE void add_dense_body(const FlipStream& stream, NoiseTime time,
                                           std::uint64_t group, std::uint32_t groups,
                                           std::uint32_t field, std::uint32_t* masks) {
  constexpr std::uint32_t kLanes = 16;
  std::uint32_t done = 0;
  for (; done + kLanes <= groups; done += kLanes) {
    std::uint32_t all[4][kLanes];
    for (auto& words : all) {
      for (std::uint32_t& word : words) word = field;
    }
    for (std::int32_t j = 0; j < stream.rarity; ++j) {
      std::uint32_t c[4][kLanes];
      for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
        const std::uint64_t block = 8 * (group + done + lane) + static_cast<std::uint64_t>(j);
        c[0][lane] = static_cast<std::uint32_t>(block);
        c[1][lane] = static_cast<std::uint32_t>(block >> 32);
        c[2][lane] = time.step;
        c[3][lane] = time.micro_step;
      }
      std::uint32_t k0 = static_cast<std::uint32_t>(stream.key);
      std::uint32_t k1 = static_cast<std::uint32_t>(stream.key >> 32);
      for (int round = 0; round < 10; ++round) {
        for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
          const std::uint64_t product0 = std::uint64_t{0xD2511F53u} * c[0][lane];
          const std::uint64_t product1 = std::uint64_t{0xCD9E8D57u} * c[2][lane];
          c[0][lane] = static_cast<std::uint32_t>(product1 >> 32) ^ c[1][lane] ^ k0;
          c[2][lane] = static_cast<std::uint32_t>(product0 >> 32) ^ c[3][lane] ^ k1;
          c[1][lane] = static_cast<std::uint32_t>(product1);
          c[3][lane] = static_cast<std::uint32_t>(product0);
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
      }
      for (int w = 0; w < 4; ++w) {
        for (std::uint32_t lane = 0; lane < kLanes; ++lane) all[w][lane] &= c[w][lane];
      }
    }
    for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
      for (int w = 0; w < 4; ++w) masks[4 * (done + lane) + w] |= all[w][lane];
    }
  }
  for (; done < groups; ++done) {
    const PhiloxBlock words = dense_flips(stream, time, group + done);
    for (int w = 0; w < 4; ++w) masks[4 * done + w] |= words.word[w] & field;
  }
}

PARADIGM_DISPATCH(bool, any_reaches_32,
                  (const std::uint32_t* words, std::uint32_t count, std::uint32_t magnitude,
                   std::uint32_t zero_from),
                  (words, count, magnitude, zero_from))
PARADIGM_DISPATCH(bool, any_reaches_16,
                  (const std::uint16_t* words, std::uint32_t count, std::uint32_t magnitude,
                   std::uint32_t zero_from),
                  (words, count, magnitude, zero_from))
PARADIGM_DISPATCH(void, load_words,
                  (const void* x, ElementType type, std::uint32_t count, ElementType storage,
                   std::uint32_t* words),
                  (x, type, count, storage, words))
PARADIGM_DISPATCH(void, store_words,
                  (const std::uint32_t* words, ElementType storage, std::uint32_t count,
                   ElementType type, void* y),
                  (words, storage, count, type, y))
PARADIGM_DISPATCH(void, add_dense,
                  (const FlipStream& stream, NoiseTime time, std::uint64_t group,
                   std::uint32_t groups, std::uint32_t field, std::uint32_t* masks),
                  (stream, time, group, groups, field, masks))

bool any_reaches(const std::uint32_t* words, std::uint32_t count, std::uint32_t magnitude,
                 std::uint32_t zero_from) {
  return any_reaches_32(words, count, magnitude, zero_from);
}
bool any_reaches(const std::uint16_t* words, std::uint32_t count, std::uint32_t magnitude,
                 std::uint32_t zero_from) {
  return any_reaches_16(words, count, magnitude, zero_from);
}

std::int64_t element_size(ElementType type) { return type == ElementType::fp32 ? 4 : 2; }

/// The flips of one piece: up to kLargestTile elements that lie in one largest tile. Rare ones are
/// a list; if any may be frequent, or if it matters which elements were hit at all, they are a mask
/// for each element.
class PieceFlips {
 public:
  explicit PieceFlips(const BitFlip& how)
      : how_(how),
        format_(word_format(how.storage)),
        uses_masks_(how.zeroes_only_flipped || !is_rare(how.exponent) || !is_rare(how.fraction)) {}

  void draw(std::uint64_t first, std::uint32_t count) {
    count_ = count;
    offset_ = static_cast<std::uint32_t>(first % 4);
    list_.clear();
    if (uses_masks_) std::memset(masks_, 0, sizeof(masks_));
    draw_field(how_.exponent, format_.exponent, first);
    draw_field(how_.fraction, format_.fraction, first);
  }

  /// visit(element, mask); in the list's case an element may come twice.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (const Flip& flip : list_) visit(flip.element, flip.mask);
    if (!uses_masks_) return;
    for (std::uint32_t i = 0; i < count_; ++i) {
      if (const std::uint32_t mask = masks_[offset_ + i]; mask != 0) visit(i, mask);
    }
  }

 private:
  struct Flip {
    std::uint32_t element;
    std::uint32_t mask;
  };

  bool is_rare(const FlipStream& stream) const {
    return stream.rarity == 0 || (how_.rule == FlipRule::intended && is_sparse(stream.rarity));
  }

  void add(std::uint32_t element, std::uint32_t mask) {
    if (uses_masks_) {
      masks_[offset_ + element] |= mask;
    } else {
      list_.push_back({element, mask});
    }
  }

  void draw_field(const FlipStream& stream, const BitField& field, std::uint64_t first) {
    if (stream.rarity == 0) return;
    if (how_.rule == FlipRule::upstream) {
      for (std::uint32_t i = 0; i < count_; ++i) {
        add(i, upstream_flips(stream, first + i) & field.mask());
      }
    } else if (is_sparse(stream.rarity)) {
      const std::uint64_t tile = std::uint64_t{1} << log2_tile(stream.rarity);
      const std::uint64_t gap = mean_gap(stream.rarity);
      for (std::uint64_t begin = first & ~(tile - 1); begin < first + count_; begin += tile) {
        for_each_flip(stream, gap, field, how_.time, begin,
                      [&](std::uint32_t element, std::uint32_t bit) {
                        const std::uint64_t i = begin + element - first;  // huge before `first`
                        if (i < count_) add(static_cast<std::uint32_t>(i), std::uint32_t{1} << bit);
                      });
      }
    } else {
      add_dense(stream, how_.time, first / 4, (offset_ + count_ + 3) / 4, field.mask(), masks_);
    }
  }

  const BitFlip how_;
  const WordFormat format_;
  const bool uses_masks_;
  std::uint32_t count_ = 0;
  std::uint32_t offset_ = 0;  // of element 0 in masks_, where groups of four are whole
  std::vector<Flip> list_;
  std::uint32_t masks_[kLargestTile + 8];
};

/// Calls work(offset, global index, elements) for pieces that end where a largest tile does, until
/// one returns false.
template <typename Work>
bool for_each_piece(const BitFlip& how, std::int64_t count, Work&& work) {
  for (std::int64_t begin = 0; begin < count;) {
    const std::uint64_t first = how.first_element + static_cast<std::uint64_t>(begin);
    const auto to_edge = static_cast<std::int64_t>(kLargestTile - first % kLargestTile);
    const std::int64_t size = std::min(to_edge, count - begin);
    if (!work(begin, first, static_cast<std::uint32_t>(size))) return false;
    begin += size;
  }
  return true;
}

/// Sets the words to 0 that reach the threshold; zeroed(i) is called before.
template <typename Word, typename Zeroed>
void zero_out(Word* words, std::uint32_t count, const BitFlip& how, const PieceFlips& flips,
              Zeroed&& zeroed) {
  if (!how.zeroes()) return;
  const std::uint32_t magnitude = word_format(how.storage).magnitude;
  const auto consider = [&](std::uint32_t i) {
    if ((words[i] & magnitude) < how.zero_from) return;
    zeroed(i);
    words[i] = 0;
  };
  if (how.zeroes_only_flipped) {
    flips.for_each([&](std::uint32_t i, std::uint32_t) { consider(i); });
    return;
  }
  if (!any_reaches(words, count, magnitude, how.zero_from)) return;
  for (std::uint32_t begin = 0; begin < count; begin += kSearched) {
    const std::uint32_t size = std::min(kSearched, count - begin);
    if (!any_reaches(words + begin, size, magnitude, how.zero_from)) continue;
    for (std::uint32_t i = begin; i < begin + size; ++i) consider(i);
  }
}

template <typename Word>
std::int64_t count_non_finite(const Word* words, std::uint32_t count, const WordFormat& format) {
  std::int64_t found = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    found += (words[i] & format.magnitude) >= format.infinity ? 1 : 0;
  }
  return found;
}

void count_bits(const PieceFlips& flips, const WordFormat& format, FlipCounts& counts) {
  flips.for_each([&](std::uint32_t, std::uint32_t mask) {
    counts.exponent += std::popcount(mask & format.exponent.mask());
    counts.fraction += std::popcount(mask & format.fraction.mask());
  });
}

/// One piece after another as flipped words of the storage format: zeroed(element of x) for each
/// one that becomes 0, then done(offset, size, words).
template <typename Zeroed, typename Done>
void for_each_flipped_piece(const void* x, ElementType type, std::int64_t count, const BitFlip& how,
                            FlipCounts* counts, Zeroed&& zeroed, Done&& done) {
  PieceFlips flips(how);
  std::uint32_t words[kLargestTile];
  for_each_piece(how, count, [&](std::int64_t offset, std::uint64_t first, std::uint32_t size) {
    load_words(static_cast<const std::byte*>(x) + offset * element_size(type), type, size,
               how.storage, words);
    flips.draw(first, size);
    flips.for_each([&](std::uint32_t i, std::uint32_t mask) { words[i] ^= mask; });
    zero_out(words, size, how, flips, [&](std::uint32_t i) { zeroed(offset + i); });
    if (counts != nullptr) count_bits(flips, word_format(how.storage), *counts);
    done(offset, size, words);
    return true;
  });
}

template <typename Word>
bool flip_words_in_place(Word* data, std::int64_t count, const BitFlip& how, FlipLog& log,
                         FlipCounts* counts) {
  const WordFormat format = word_format(how.storage);
  const std::size_t most = static_cast<std::size_t>(count / 16 + 1024);
  PieceFlips flips(how);
  return for_each_piece(
      how, count, [&](std::int64_t offset, std::uint64_t first, std::uint32_t size) {
        Word* words = data + offset;
        flips.draw(first, size);
        flips.for_each([&](std::uint32_t i, std::uint32_t mask) {
          log.entries.push_back({offset + i, words[i], false});
          words[i] = static_cast<Word>(words[i] ^ mask);
        });
        const std::size_t before = log.entries.size();
        zero_out(words, size, how, flips, [&](std::uint32_t i) {
          log.entries.push_back({offset + i, words[i], true});
        });
        if (counts != nullptr) {
          count_bits(flips, format, *counts);
          counts->zeroed += static_cast<std::int64_t>(log.entries.size() - before);
          counts->non_finite += count_non_finite(words, size, format);
        }
        return log.entries.size() <= most;
      });
}

template <typename Word>
void restore_words(Word* data, const FlipLog& log) {
  for (auto entry = log.entries.rbegin(); entry != log.entries.rend(); ++entry) {
    data[entry->index] = static_cast<Word>(entry->word);
  }
}

void clear_word(void* data, ElementType type, std::int64_t index) {
  if (type == ElementType::fp32) {
    static_cast<std::uint32_t*>(data)[index] = 0;
  } else {
    static_cast<std::uint16_t*>(data)[index] = 0;
  }
}

}  // namespace

void flip(const void* x, ElementType x_type, std::int64_t count, const BitFlip& how, void* y,
          ElementType y_type, FlipCounts* counts) {
  std::int64_t zeroed = 0;
  for_each_flipped_piece(
      x, x_type, count, how, counts, [&](std::int64_t) { ++zeroed; },
      [&](std::int64_t offset, std::uint32_t size, const std::uint32_t* words) {
        std::byte* out = static_cast<std::byte*>(y) + offset * element_size(y_type);
        store_words(words, how.storage, size, y_type, out);
        if (counts == nullptr) return;
        const WordFormat format = word_format(y_type);
        counts->non_finite +=
            y_type == ElementType::fp32
                ? count_non_finite(reinterpret_cast<const std::uint32_t*>(out), size, format)
                : count_non_finite(reinterpret_cast<const std::uint16_t*>(out), size, format);
      });
  if (counts != nullptr) counts->zeroed += zeroed;
}

void stop_gradient(const void* x, ElementType x_type, std::int64_t count, const BitFlip& how,
                   void* gradient, ElementType gradient_type) {
  if (!how.zeroes()) return;
  for_each_flipped_piece(
      x, x_type, count, how, nullptr,
      [&](std::int64_t i) { clear_word(gradient, gradient_type, i); },
      [](std::int64_t, std::uint32_t, const std::uint32_t*) {});
}

bool can_flip_in_place(const BitFlip& how) {
  if (how.rule != FlipRule::intended) return false;
  const WordFormat format = word_format(how.storage);
  const auto share = [](const FlipStream& stream, const BitField& field) {
    return stream.rarity == 0 ? 0.0 : std::ldexp(field.bits, -stream.rarity);
  };
  return share(how.exponent, format.exponent) + share(how.fraction, format.fraction) < 1.0 / 32;
}

bool flip_in_place(void* data, std::int64_t count, const BitFlip& how, FlipLog& log,
                   FlipCounts* counts) {
  FlipCounts counted;
  FlipCounts* const wanted = counts == nullptr ? nullptr : &counted;
  bool stayed_rare = false;
  try {
    stayed_rare =
        how.storage == ElementType::fp32
            ? flip_words_in_place(static_cast<std::uint32_t*>(data), count, how, log, wanted)
            : flip_words_in_place(static_cast<std::uint16_t*>(data), count, how, log, wanted);
  } catch (...) {  // no memory for the log: each change is logged before it is made
    restore(data, how.storage, log);
    throw;
  }
  if (!stayed_rare) {
    restore(data, how.storage, log);
    log.entries.clear();
  } else if (counts != nullptr) {
    add(*counts, counted);
  }
  return stayed_rare;
}

void restore(void* data, ElementType type, const FlipLog& log) {
  if (type == ElementType::fp32) {
    restore_words(static_cast<std::uint32_t*>(data), log);
  } else {
    restore_words(static_cast<std::uint16_t*>(data), log);
  }
}

void stop_gradient(void* gradient, ElementType type, const FlipLog& log) {
  for (const FlipLog::Entry& entry : log.entries) {
    if (entry.zeroed) clear_word(gradient, type, entry.index);
  }
}

}  // namespace kernels::cpu
