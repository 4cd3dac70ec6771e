// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/kernels/bit_flip/device_notes.h"
#include "tests/kernels/bit_flip/expected_flips.h"
#include "tests/kernels/bit_flip/some_words.h"

#include <gtest/gtest.h>

#ifdef PARADIGM_WITH_CUDA

#include <array>
#include <bit>
#include <utility>

namespace kernels {
namespace {

using enum ElementType;
using cuda::FlipEntry;
using tests::CudaBuffer;
using tests::DeviceNotes;
using tests::Expected;
using tests::Words;

struct Shape {
  std::int64_t rows, columns;
  std::size_t count() const { return static_cast<std::size_t>(rows * columns); }
};

/// The input and the entries of a layer together are what that layer sees.
void expect_noted(const Shape& shape, ElementType type, const std::vector<BitFlip>& hows) {
  const Words clean = tests::some_words(shape.rows * shape.columns, type);
  const CudaBuffer<std::uint16_t> data(clean);
  const DeviceNotes notes(shape.rows, shape.columns, hows.size());
  cuda::note_flips({data.data(), shape.rows, shape.columns}, hows, notes.notes(), nullptr, {});
  const Words base = data.host();
  const std::vector<bool> large = notes.large(clean.size());
  for (std::size_t layer = 0; layer < hows.size(); ++layer) {
    Words seen = base;
    std::vector<bool> zeroed = large;
    std::size_t least = 0;
    std::vector<std::size_t> elements;
    for (const auto& [element, entry] : notes.entries_of(layer)) {
      ASSERT_GE(element, least) << "in the order of the elements";
      least = element + 1;
      ASSERT_EQ(entry.base, base[element]);
      ASSERT_EQ((entry.column & FlipEntry::kLarge) != 0, large[element]);
      seen[element] = entry.value;
      elements.push_back(element);
      zeroed[element] = (entry.column & FlipEntry::kZeroed) != 0;
    }
    ASSERT_EQ(notes.elements_by_row(layer), elements);
    const Expected expected(clean.data(), type, clean.size(), hows[layer]);
    ASSERT_EQ(seen, expected.values) << layer;
    ASSERT_EQ(zeroed, expected.zeroed) << layer;
  }
}

void expect_seen(const Shape& shape, ElementType type, const BitFlip& how, bool in_place) {
  const Words clean = tests::some_words(shape.rows * shape.columns, type);
  const CudaBuffer<std::uint16_t> data(clean), copy(clean.size());
  const DeviceNotes notes(shape.rows, shape.columns, 1);
  cuda::note_flips({data.data(), shape.rows, shape.columns}, std::array{how}, notes.notes(),
                   in_place ? data.data() : copy.data(), {});
  const Expected expected(clean.data(), type, clean.size(), how);
  ASSERT_EQ((in_place ? data : copy).host(), expected.values);
  if (!in_place) {
    ASSERT_EQ(data.host(), clean);
  }
  std::vector<bool> zeroed = notes.large(clean.size());
  for (const auto& [element, entry] : notes.entries_of(0)) {
    zeroed[element] = (entry.column & FlipEntry::kZeroed) != 0;
  }
  ASSERT_EQ(zeroed, expected.zeroed);
}

TEST(NoteFlipsCuda, WhatEveryLayerSeesIsWhatTheReferenceSays) {
  SKIP_WITHOUT_DEVICE();
  for (const ElementType type : {bf16, fp16}) {
    for (const auto& [h_exponent, h_fraction] : {std::pair{16, 16}, {13, 13}, {0, 12}, {24, 24}}) {
      for (const Shape shape : {Shape{1, 32}, {700, 96}, {43, 384}, {7, 8192}}) {
        for (const std::uint64_t first : {std::uint64_t{0}, std::uint64_t{8192 * 96} << 17}) {
          for (const double threshold : {1e9, 30.0, 0.02, 0.0}) {
            for (const bool only_flipped : {false, true}) {
              std::vector<BitFlip> hows;
              for (std::uint64_t layer = 0; layer < 3; ++layer) {
                hows.push_back(tests::flips_of(type, h_exponent, h_fraction, first));
                hows.back().exponent.key += layer;
                hows.back().fraction.key += 7 * layer;
                hows.back().zero_from =
                    threshold == 1e9 && only_flipped ? kNeverZero : zero_out_word(threshold, type);
                hows.back().zeroes_only_flipped = only_flipped;
              }
              SCOPED_TRACE(testing::Message()
                           << h_exponent << " " << h_fraction << " from " << first << ", "
                           << shape.rows << " x " << shape.columns << " up to " << threshold);
              expect_noted(shape, type, hows);
              for (const bool in_place : {false, true}) {
                expect_seen(shape, type, hows[0], in_place);
              }
              if (HasFatalFailure()) return;
            }
          }
        }
      }
    }
  }
}

// What the input's producer has seen spares a look at every word, and nothing else.
TEST(NoteFlipsCuda, BelieveTheRangeOfTheInput) {
  SKIP_WITHOUT_DEVICE();
  constexpr std::int64_t kRows = 300, kColumns = 96;
  Words clean(kRows * kColumns, 0x3F80);
  clean[777] = 0xC200;  // -32
  BitFlip how = tests::flips_of(bf16, 14, 14, 0);
  how.zero_from = zero_out_word(30, bf16);
  const auto value_of_777 = [&](float least, float greatest, int any_nan) {
    const auto ordered = [](float x) {
      const int bits = std::bit_cast<int>(x);
      return bits >= 0 ? bits : bits ^ 0x7FFFFFFF;
    };
    const CudaBuffer<int> range(std::vector<int>{ordered(least), ordered(greatest), any_nan});
    const CudaBuffer<std::uint16_t> data(clean);
    const DeviceNotes notes(kRows, kColumns, 1);
    cuda::note_flips({data.data(), kRows, kColumns, range.data()}, std::array{how}, notes.notes(),
                     data.data(), {});
    return data.host()[777];
  };
  EXPECT_EQ(value_of_777(-32, 1, 0), 0);
  EXPECT_EQ(value_of_777(-1, 30, 0), 0) << "30 itself is too large";
  EXPECT_EQ(value_of_777(-1, 1, 1), 0) << "a NaN is";
  EXPECT_EQ(value_of_777(-29.75f, 29.75f, 0), 0xC200) << "nobody looked";
}

// In blocks of many threads, four of which draw a field, and in those of few.
TEST(NoteFlipsCuda, LargeInputsAgreeWithTheFastCpuVersion) {
  SKIP_WITHOUT_DEVICE();
  constexpr std::int64_t kColumns = 8192;
  for (const std::int64_t rows : {900, 3300}) {
    Words words(static_cast<std::size_t>(rows * kColumns), 0x3F80);
    BitFlip how = tests::flips_of(bf16, 16, 16, 0);
    how.zero_from = zero_out_word(30, bf16);
    const CudaBuffer<std::uint16_t> data(words);
    const DeviceNotes notes(rows, kColumns, 1);
    cuda::note_flips({data.data(), rows, kColumns}, std::array{how}, notes.notes(), data.data(),
                     {});
    cpu::flip(words.data(), bf16, rows * kColumns, how, words.data(), bf16, nullptr);
    EXPECT_TRUE(data.host() == words) << rows;
  }
}

// The time of the description is not the one that counts: what the device finds in the clock is.
TEST(NoteFlipsCuda, FollowsTheClockInDeviceMemory) {
  SKIP_WITHOUT_DEVICE();
  const Words clean = tests::some_words(300 * 320, bf16);
  const CudaBuffer<NoiseTime> clock(std::vector<NoiseTime>{{0, 0}});
  for (const NoiseTime now : {NoiseTime{7, 3}, NoiseTime{8, 0}}) {
    ASSERT_EQ(cudaMemcpy(clock.data(), &now, sizeof(now), cudaMemcpyHostToDevice), cudaSuccess);
    BitFlip how = tests::flips_of(bf16, 13, 13, 5);
    how.time = now;
    BitFlip clocked = how;
    clocked.time = {1, 1};
    clocked.clock = clock.data();
    const CudaBuffer<std::uint16_t> data(clean);
    const DeviceNotes notes(300, 320, 1);
    cuda::note_flips({data.data(), 300, 320}, std::array{clocked}, notes.notes(), data.data(), {});
    EXPECT_EQ(data.host(), Expected(clean.data(), bf16, clean.size(), how).values);
  }
}

TEST(NoteFlips, TakesRareFlipsInSixteenBitsAlone) {
  EXPECT_TRUE(cuda::can_note_flips(tests::flips_of(bf16, 16, 16, 0)));
  EXPECT_FALSE(cuda::can_note_flips(tests::flips_of(fp32, 16, 16, 0)));
  EXPECT_FALSE(cuda::can_note_flips(tests::flips_of(bf16, 8, 16, 0)));
  BitFlip upstream = tests::flips_of(bf16, 16, 16, 0);
  upstream.rule = FlipRule::upstream;
  EXPECT_FALSE(cuda::can_note_flips(upstream));
}

TEST(NoteFlips, AProductIsSharedWhereNothingLargeCanCancel) {
  BitFlip how = tests::flips_of(bf16, 16, 16, 0);
  EXPECT_FALSE(cuda::can_share_product(how));
  how.zero_from = zero_out_word(30, bf16);
  EXPECT_TRUE(cuda::can_share_product(how));
  how.zeroes_only_flipped = true;
  EXPECT_FALSE(cuda::can_share_product(how));
  how.zeroes_only_flipped = false;
  how.zero_from = zero_out_word(1000, bf16);
  EXPECT_FALSE(cuda::can_share_product(how));
}

}  // namespace
}  // namespace kernels

#else
TEST(NoteFlipsCuda, IsNotBuilt) { GTEST_SKIP() << "built without CUDA"; }
#endif
