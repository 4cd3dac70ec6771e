// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/bit_flip/bit_flip.h"

#include "kernels/noise_key.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

namespace kernels {
namespace {

using enum ElementType;
constexpr ElementType kTypes[] = {fp32, bf16, fp16};

std::int64_t long_or(std::int64_t long_count, std::int64_t count) {
  return std::getenv("PARADIGM_LONG_TESTS") != nullptr ? long_count : count;
}

std::uint64_t key_of(const std::string& layer, std::uint64_t role) {
  return noise_key(42, layer_id(layer), 0, role);
}

BitFlip flips_of(ElementType storage, int h_exponent, int h_fraction,
                 const std::string& layer = "model.layers.0.mlp.up_proj", std::uint32_t step = 0,
                 std::uint64_t role = noise_role::bit_flip_x_exponent) {
  BitFlip how;
  how.storage = storage;
  how.exponent = {key_of(layer, role), h_exponent};
  how.fraction = {key_of(layer, role + 1), h_fraction};
  how.time = {step, 0};
  return how;
}

/// The masks themselves: flips of zeros, no conversion. In 32 bits each.
std::vector<std::uint32_t> masks_of(const BitFlip& how, std::int64_t count) {
  std::vector<std::uint32_t> masks(static_cast<std::size_t>(count), 0);
  if (how.storage == fp32) {
    cpu::flip(masks.data(), fp32, count, how, masks.data(), fp32, nullptr);
    return masks;
  }
  std::vector<std::uint16_t> words(static_cast<std::size_t>(count), 0);
  cpu::flip(words.data(), how.storage, count, how, words.data(), how.storage, nullptr);
  masks.assign(words.begin(), words.end());
  return masks;
}

std::vector<std::int64_t> flips_per_bit(const std::vector<std::uint32_t>& masks) {
  std::vector<std::int64_t> flips(32, 0);
  for (std::uint32_t mask : masks) {
    for (; mask != 0; mask &= mask - 1) ++flips[static_cast<std::size_t>(std::countr_zero(mask))];
  }
  return flips;
}

/// Whether each of a field's bits, and all together, flipped within `sigmas` of the rate 2^-h. The
/// square over bits also refuses flips that are too regular or bunched.
bool has_rate(const std::vector<std::uint32_t>& masks, const BitField& field, int h,
              double sigmas = 4) {
  const double n = static_cast<double>(masks.size());
  const double p = std::ldexp(1.0, -h);
  const auto flips = flips_per_bit(masks);
  double total = 0;
  for (std::uint32_t bit = field.first_bit; bit < field.first_bit + field.bits; ++bit) {
    const double flipped = static_cast<double>(flips[bit]);
    total += flipped;
    // Where few flips are expected the count is Poisson: its upper tail is longer than a normal's.
    const double slack = n * p < 25 ? 4 : 0;
    if (std::fabs(flipped - n * p) > sigmas * std::sqrt(n * p * (1 - p)) + slack) return false;
  }
  const double expected = n * p * field.bits;
  return std::fabs(total - expected) <=
         sigmas * std::sqrt(expected * (1 - p)) + (expected < 25 ? 4 : 0);
}

TEST(BitFlip, EveryBitOfEveryFormatFlipsAtItsRate) {
  for (const ElementType storage : kTypes) {
    const WordFormat format = word_format(storage);
    for (int h = 1; h <= 24; ++h) {
      const std::int64_t count =
          h < 8 ? long_or(10'000'000, 300'000) : long_or(100'000'000, 4'000'000);
      const auto masks = masks_of(flips_of(storage, h, h, "lm_head", 100u + h), count);
      EXPECT_TRUE(has_rate(masks, format.exponent, h)) << "format " << int(storage) << " h " << h;
      EXPECT_TRUE(has_rate(masks, format.fraction, h)) << "format " << int(storage) << " h " << h;
    }
  }
}

// Upstream's fault: one pattern for all steps. Each bit keeps the pattern's own rate for ever, so
// the rate over steps of a small tensor is off.
TEST(BitFlip, TheRateTestRefusesAFrozenGeneratorAndWrongRates) {
  const int h = 6;
  const WordFormat format = word_format(fp32);
  const auto rate_over_steps = [&](bool frozen) {
    std::vector<std::uint32_t> all;
    for (std::uint32_t step = 0; step < 2000; ++step) {
      const auto masks = masks_of(flips_of(fp32, 0, h, "lm_head", frozen ? 0 : step), 100);
      all.insert(all.end(), masks.begin(), masks.end());
    }
    return has_rate(all, format.fraction, h);
  };
  EXPECT_TRUE(rate_over_steps(false));
  EXPECT_FALSE(rate_over_steps(true));
  const auto masks = masks_of(flips_of(fp32, 0, 8), 1'000'000);
  EXPECT_TRUE(has_rate(masks, format.fraction, 8));
  EXPECT_FALSE(has_rate(masks, format.fraction, 7));
  EXPECT_FALSE(has_rate(masks, format.fraction, 9));
}

double correlation_in_sigmas(const std::vector<std::uint32_t>& a,
                             const std::vector<std::uint32_t>& b, int h, std::uint32_t bits) {
  double both = 0;
  for (std::size_t i = 0; i < a.size(); ++i) both += std::popcount(a[i] & b[i]);
  const double n = static_cast<double>(a.size()) * bits;
  const double p = std::ldexp(1.0, -2 * h);
  return (both - n * p) / std::sqrt(n * p * (1 - p));
}

TEST(BitFlip, LayersOperandsStepsSeedsAndFieldsAreIndependent) {
  const std::int64_t count = long_or(10'000'000, 400'000);
  for (const int h : {2, 6}) {  // dense and sparse
    BitFlip base = flips_of(fp32, 0, h);
    std::vector<BitFlip> others = {
        flips_of(fp32, 0, h, "model.layers.1.mlp.up_proj"), flips_of(fp32, 0, h, "lm_head"),
        flips_of(fp32, 0, h, "model.layers.0.mlp.up_proj", 1),
        flips_of(fp32, 0, h, "model.layers.0.mlp.up_proj", 0, noise_role::bit_flip_w_exponent),
        base.at(count)};
    others.push_back(base);
    others.back().time.micro_step = 1;
    others.push_back(base);
    others.back().fraction.key =
        noise_key(43, layer_id("model.layers.0.mlp.up_proj"), 0, noise_role::bit_flip_x_fraction);
    const auto masks = masks_of(base, count);
    for (const BitFlip& other : others) {
      EXPECT_LT(std::fabs(correlation_in_sigmas(masks, masks_of(other, count), h, 23)), 4.5);
    }
    EXPECT_GT(correlation_in_sigmas(masks, masks, h, 23), 100);
    // Between the fields of one element: bits 0 to 8 against bits 23 to 31.
    const auto both = masks_of(flips_of(fp32, h, h), count);
    std::vector<std::uint32_t> low, high;
    for (const std::uint32_t mask : both) {
      low.push_back(mask & 0x1FF);
      high.push_back(mask >> 23);
    }
    EXPECT_LT(std::fabs(correlation_in_sigmas(low, high, h, 9)), 4.5);
  }
}

TEST(BitFlip, GapsAreTheGeometricInverseAtEveryScale) {
  for (int h = 1; h <= kMostRarity; ++h) {
    const long double rate = -std::log1p(-std::ldexp(1.0L, -h));
    EXPECT_NEAR(static_cast<double>(mean_gap(h)) * 0x1p-40 * static_cast<double>(rate), 1, 1e-11);
    for (std::uint64_t w = 0; w < 0x100000000ull; w += 99'991 * 7) {
      const auto word = static_cast<std::uint32_t>(w);
      const long double u = (static_cast<long double>(w) + 1) * 0x1p-32L;
      const long double exact = std::floor(-std::log(u) / rate);
      ASSERT_NEAR(static_cast<double>(exact), flip_gap(word, mean_gap(h)), 1.0) << h << " " << w;
    }
  }
  double worst = 0;
  for (std::uint64_t w = 3; w < 0xFFFFFFFFull; w += 10'007) {
    const double exact = -std::log1p(-static_cast<double>(0xFFFFFFFFull - w) * 0x1p-32);
    const double ours = static_cast<double>(negative_log(static_cast<std::uint32_t>(w))) * 0x1p-59;
    worst = std::max(worst, std::fabs(ours / exact - 1));
  }
  EXPECT_LT(worst, 0x1p-29);
}

TEST(BitFlip, GapVectorsAndEdges) {
  struct Row {
    int h;
    std::uint32_t word, gap;
  };
  // From floor(ln((word + 1) / 2^32) / ln(1 - 2^-h)) with fifty digits.
  const Row rows[] = {{6, 0, 1408},
                      {6, 1, 1364},
                      {6, 0x7FFFFFFF, 44},
                      {6, 0x80000000, 44},
                      {6, 0x12345678, 167},
                      {6, 0xFFFFFFFF, 0},
                      {12, 0, 90841},
                      {12, 0xFEEDF00D, 17},
                      {16, 0, 1453623},
                      {16, 1, 1408198},
                      {16, 0x7FFFFFFF, 45425},
                      {16, 0x12345678, 173243},
                      {16, 0xFEEDF00D, 274},
                      {24, 0, 372130547},
                      {24, 1, 360501468},
                      {24, 0x7FFFFFFF, 11629079},
                      {24, 0xFFFF0000, 255},
                      {24, 0xFFFFFFFE, 0},
                      {24, 0xFFFFFFFF, 0}};
  for (const Row& row : rows) {
    EXPECT_EQ(flip_gap(row.word, mean_gap(row.h)), row.gap) << row.h << " " << row.word;
  }
  EXPECT_EQ(negative_log(0xFFFFFFFF), 0u);  // u = 1
  EXPECT_NEAR(static_cast<double>(negative_log(0)) * 0x1p-59, 32 * std::log(2.0), 1e-8);
}

TEST(BitFlip, UpstreamsTableIsReproducedBitForBit) {
  struct Row {
    ElementType type;
    std::uint32_t one;
    int h_exponent, h_fraction;
    std::uint32_t expected[4];
  };
  const Row rows[] = {{fp32, 0x3F800000, 1, 1, {0x59a7e8d5, 0xc764cca4, 0x3b7aa329, 0xf610ef29}},
                      {fp32, 0x3F800000, 3, 2, {0x1fa1c085, 0x2f200080, 0x3fc22220, 0x37806420}},
                      {fp32, 0x3F800000, 5, 4, {0x3f808000, 0x3fa00000, 0x3f800020, 0x3f800000}},
                      {bf16, 0x3F80, 1, 1, {0xd755, 0xf324, 0x9ca9, 0xd0a9}},
                      {bf16, 0x3F80, 3, 2, {0xbf85, 0x3f00, 0x3da0, 0x3fa0}},
                      {bf16, 0x3F80, 5, 4, {0x3f80, 0x3f80, 0x3fa0, 0x3f80}},
                      {fp16, 0x3C00, 1, 1, {0xd4d5, 0xf0a4, 0x9f29, 0xd329}},
                      {fp16, 0x3C00, 3, 2, {0xbc85, 0x3c80, 0x3e20, 0x3c20}},
                      {fp16, 0x3C00, 5, 4, {0x3c00, 0x3c00, 0x3c20, 0x3c00}}};
  for (const Row& row : rows) {
    BitFlip how;
    how.storage = row.type;
    how.exponent.rarity = row.h_exponent;
    how.fraction.rarity = row.h_fraction;
    how.rule = FlipRule::upstream;
    const auto masks = masks_of(how, 4);
    for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(masks[i] ^ row.one, row.expected[i]) << i;
  }
}

/// Numbers of every kind in the format: normal ones, zeros, infinities, NaN, subnormals, extremes.
std::vector<std::uint32_t> some_words(std::int64_t count) {
  std::vector<std::uint32_t> words;
  const std::uint32_t special[] = {0,          0x80000000, 0x7F800000, 0xFF800000, 0x7FC00001,
                                   0x7F800001, 1,          0x7F7FFFFF, 0x477FF000, 0x33000000,
                                   0x33000001, 0x38800000, 0x387FFFFF, 0x41F00000, 0x41F80000};
  for (std::int64_t i = 0; i < count; ++i) {
    words.push_back(i % 11 == 3 ? special[static_cast<std::size_t>(i / 11) % std::size(special)]
                                : 0x3C000000u + static_cast<std::uint32_t>(mix(i) % 0x06000000u));
  }
  return words;
}

void expect_as_reference(ElementType x_type, ElementType y_type, std::int64_t count,
                         const BitFlip& how) {
  const auto wide = some_words(count);
  std::vector<std::uint16_t> narrow;
  for (const std::uint32_t w : wide) {
    narrow.push_back(static_cast<std::uint16_t>(converted_word(w, fp32, x_type)));
  }
  const void* x = x_type == fp32 ? static_cast<const void*>(wide.data()) : narrow.data();
  std::vector<std::uint32_t> slow(wide.size() + 1, 7), fast(wide.size() + 1, 7);
  FlipCounts slow_counts, fast_counts;
  reference::flip(x, x_type, count, how, slow.data(), y_type, &slow_counts);
  cpu::flip(x, x_type, count, how, fast.data(), y_type, &fast_counts);
  ASSERT_EQ(slow, fast);
  EXPECT_EQ(slow_counts.exponent, fast_counts.exponent);
  EXPECT_EQ(slow_counts.fraction, fast_counts.fraction);
  EXPECT_EQ(slow_counts.zeroed, fast_counts.zeroed);
  EXPECT_EQ(slow_counts.non_finite, fast_counts.non_finite);
  std::vector<std::uint32_t> g(wide.size() + 1, 9), h(wide.size() + 1, 9);
  reference::stop_gradient(x, x_type, count, how, g.data(), y_type);
  cpu::stop_gradient(x, x_type, count, how, h.data(), y_type);
  ASSERT_EQ(g, h);
}

TEST(BitFlip, FastEqualsReferenceInEveryFormatAtEveryEdge) {
  for (const ElementType storage : kTypes) {
    for (const auto& [h_exponent, h_fraction] :
         {std::pair{1, 3}, {5, 6}, {6, 12}, {16, 16}, {0, 9}, {4, 0}, {0, 0}}) {
      for (const std::uint64_t first : {0ull, 1ull, 30ull, 2047ull, 2048ull, (1ull << 33) + 4093}) {
        for (const std::int64_t count : {0, 1, 3, 33, 2049, 5000}) {
          BitFlip how = flips_of(storage, h_exponent, h_fraction);
          how.first_element = first;
          how.zero_from = zero_out_word(30, storage);
          how.zeroes_only_flipped = count % 2 != 0 && first % 2 != 0;
          expect_as_reference(count == 33 ? storage : fp32, count == 3 ? storage : bf16, count,
                              how);
        }
      }
    }
    BitFlip upstream = flips_of(storage, 3, 14);
    upstream.rule = FlipRule::upstream;
    expect_as_reference(fp32, fp32, 3000, upstream);
    for (const ElementType x : kTypes) {
      for (const ElementType y : kTypes) expect_as_reference(x, y, 700, flips_of(storage, 3, 7));
    }
  }
}

// The instruction set is chosen once a process, so the others are tried in children.
TEST(BitFlip, EveryInstructionSetGivesTheSameBits) {
  for (const char* isa : {"generic", "avx2"}) {
    const std::string command = std::string("PARADIGM_ISA=") + isa + " /proc/" +
                                std::to_string(getpid()) +
                                "/exe --gtest_filter=BitFlip.FastEqualsReference* > /dev/null";
    EXPECT_EQ(std::system(command.c_str()), 0) << isa;
  }
}

TEST(BitFlip, PiecesJoinToTheWholeBeyondTwoToTheThirtyOneElements) {
  for (const int h : {2, 8, 14}) {
    BitFlip how = flips_of(fp32, h, h);
    how.first_element = (1ull << 31) - 3000;
    const auto whole = masks_of(how, 6000);
    std::vector<std::uint32_t> joined;
    for (std::int64_t begin = 0; begin < 6000; begin += 750) {
      const auto piece = masks_of(how.at(begin), 750);
      joined.insert(joined.end(), piece.begin(), piece.end());
    }
    EXPECT_EQ(whole, joined);
  }
}

TEST(BitFlip, InPlaceGivesTheSameWordsAndUndoesItself) {
  for (const ElementType storage : {fp32, bf16}) {
    for (const bool only_flipped : {false, true}) {
      const std::int64_t count = 100'003;
      BitFlip how = flips_of(storage, 13, 12);
      how.first_element = 77;
      how.zero_from = zero_out_word(30, storage);
      how.zeroes_only_flipped = only_flipped;
      ASSERT_TRUE(cpu::can_flip_in_place(how));
      std::vector<std::uint32_t> wide;
      for (std::int64_t i = 0; i < count; ++i) {
        wide.push_back(0x3C000000u + static_cast<std::uint32_t>(mix(i) % 0x05000000u));
        if (i % 997 == 0) wide.back() = 0x7F800000u + static_cast<std::uint32_t>(i % 2);
      }
      std::vector<std::uint16_t> narrow;
      for (const auto w : wide) narrow.push_back(static_cast<std::uint16_t>(bf16_from_fp32(w)));
      const auto wide_before = wide;
      const auto narrow_before = narrow;
      void* data = storage == fp32 ? static_cast<void*>(wide.data()) : narrow.data();
      std::vector<std::uint32_t> expected(wide.size());
      FlipCounts apart, in_place;
      cpu::flip(data, storage, count, how, expected.data(), fp32, &apart);
      cpu::FlipLog log;
      ASSERT_TRUE(cpu::flip_in_place(data, count, how, log, &in_place));
      for (std::size_t i = 0; i < wide.size(); ++i) {
        ASSERT_EQ(converted_word(storage == fp32 ? wide[i] : narrow[i], storage, fp32),
                  expected[i]);
      }
      EXPECT_GT(in_place.zeroed, 0);
      EXPECT_EQ(apart.zeroed, in_place.zeroed);
      EXPECT_EQ(apart.exponent, in_place.exponent);
      EXPECT_EQ(apart.fraction, in_place.fraction);
      std::vector<float> gradient(wide.size(), 1), same(wide.size(), 1);
      cpu::stop_gradient(gradient.data(), fp32, log);
      cpu::restore(data, storage, log);
      EXPECT_EQ(wide, wide_before);
      EXPECT_EQ(narrow, narrow_before);
      cpu::stop_gradient(data, storage, count, how, same.data(), fp32);
      EXPECT_EQ(gradient, same);
    }
  }
}

TEST(BitFlip, InPlaceLeavesAllAsItWasWhereTooManyWordsWouldChange) {
  EXPECT_FALSE(cpu::can_flip_in_place(flips_of(fp32, 6, 6)));
  BitFlip how = flips_of(fp32, 16, 16);
  how.zero_from = zero_out_word(0.01, fp32);
  std::vector<float> x(100'000, 1.0f);
  cpu::FlipLog log;
  EXPECT_FALSE(cpu::flip_in_place(x.data(), 100'000, how, log, nullptr));
  EXPECT_EQ(x, std::vector<float>(100'000, 1.0f));
  EXPECT_TRUE(log.entries.empty());
}

TEST(BitFlip, ThirtyOneIsZeroedAndTwentyNineKept) {
  const float inf = INFINITY;
  const std::vector<float> x = {29, 31, 30, -31, -29, 0, inf, -inf, NAN, 29.99999f};
  for (const ElementType storage : kTypes) {
    BitFlip how;
    how.storage = storage;
    how.zero_from = zero_out_word(30, storage);
    std::vector<float> y(x.size());
    FlipCounts counts;
    cpu::flip(x.data(), fp32, static_cast<std::int64_t>(x.size()), how, y.data(), fp32, &counts);
    // 29.99999 is stored as 30 in sixteen bits, and then reaches the threshold.
    EXPECT_EQ(
        y, (std::vector<float>{29, 0, 0, 0, -29, 0, 0, 0, 0, storage == fp32 ? 29.99999f : 0.0f}));
    EXPECT_EQ(counts.zeroed, storage == fp32 ? 6 : 7);
    EXPECT_EQ(counts.non_finite, 0);
    how.zeroes_only_flipped = true;
    cpu::flip(x.data(), fp32, 4, how, y.data(), fp32, nullptr);
    EXPECT_EQ(y[1], 31);
  }
  EXPECT_EQ(zero_out_word(0, fp32), 0u);
  EXPECT_EQ(zero_out_word(1e39, fp32), 0x7F800000u);
  EXPECT_EQ(zero_out_word(1e6, fp16), 0x7C00u);
}

TEST(BitFlip, ConversionsRoundToNearestEven) {
  EXPECT_EQ(bf16_from_fp32(0x3F808000), 0x3F80u);
  EXPECT_EQ(bf16_from_fp32(0x3F818000), 0x3F82u);
  EXPECT_EQ(bf16_from_fp32(0x7F800001), 0x7FC0u);
  EXPECT_EQ(fp16_from_fp32(0x477FEFFF), 0x7BFFu);  // just below 65520
  EXPECT_EQ(fp16_from_fp32(0x477FF000), 0x7C00u);
  EXPECT_EQ(fp16_from_fp32(0x33000000), 0u);  // 2^-25 ties to zero
  EXPECT_EQ(fp16_from_fp32(0x33000001), 1u);
  EXPECT_EQ(fp16_from_fp32(0x387FFFFF), 0x400u);
  for (std::uint32_t w = 0; w < 0x10000; ++w) {
    if ((w & 0x7FFF) <= 0x7C00) {
      EXPECT_EQ(fp16_from_fp32(fp32_from_fp16(w)), w);
    }
    if ((w & 0x7FFF) <= 0x7F80) {
      EXPECT_EQ(bf16_from_fp32(fp32_from_bf16(w)), w);
    }
  }
}

}  // namespace
}  // namespace kernels
