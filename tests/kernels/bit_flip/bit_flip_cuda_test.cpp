// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/bit_flip/bit_flip.h"
#include "tests/support/cuda_buffer.h"

#include <gtest/gtest.h>

#ifdef PARADIGM_WITH_CUDA

#include "kernels/noise_key.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace kernels {
namespace {

using enum ElementType;

BitFlip flips_of(ElementType storage, int h_exponent, int h_fraction, std::uint64_t first) {
  BitFlip how;
  how.storage = storage;
  how.exponent = {noise_key(42, layer_id("lm_head"), 0, 16), h_exponent};
  how.fraction = {noise_key(42, layer_id("lm_head"), 0, 17), h_fraction};
  how.time = {7, 3};
  how.first_element = first;
  return how;
}

std::vector<std::uint16_t> some_words(std::int64_t count, ElementType type) {
  const std::uint32_t special[] = {0,          0x80000000, 0x7F800000, 0xFF800000, 0x7FC00001,
                                   0x7F800001, 1,          0x477FF000, 0x33000001, 0x41F80000};
  std::vector<std::uint16_t> words;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint32_t wide = i % 11 == 3
                                   ? special[static_cast<std::size_t>(i / 11) % 10]
                                   : 0x3C000000u + static_cast<std::uint32_t>(mix(i) % 0x06000000u);
    if (type == fp32) {
      words.push_back(static_cast<std::uint16_t>(wide));
      words.push_back(static_cast<std::uint16_t>(wide >> 16));
    } else {
      words.push_back(static_cast<std::uint16_t>(converted_word(wide, fp32, type)));
    }
  }
  return words;
}

std::size_t words_of(std::int64_t count, ElementType type) {
  return static_cast<std::size_t>(type == fp32 ? 2 * count : count);
}

void expect_as_reference(ElementType x_type, ElementType y_type, std::int64_t count,
                         const BitFlip& how) {
  const auto x = some_words(count, x_type);
  std::vector<std::uint16_t> expected(words_of(count, y_type));
  std::vector<std::uint16_t> gradient(words_of(count, y_type), 0x3F80);
  FlipCounts counts;
  reference::flip(x.data(), x_type, count, how, expected.data(), y_type, &counts);
  const tests::CudaBuffer<std::uint16_t> in(x), out(expected.size()), device_gradient(gradient);
  const tests::CudaBuffer<FlipCounts> device_counts(std::vector<FlipCounts>(1));
  const tests::CudaBuffer<std::uint64_t> zeroed_at(
      std::vector<std::uint64_t>(cuda::tiles_of(count, how.first_element)));
  cuda::flip(in.data(), x_type, count, how, out.data(), y_type, device_counts.data(), {},
             zeroed_at.data());
  ASSERT_EQ(out.host(), expected);
  const auto marks = zeroed_at.host();
  const auto is_marked = [](std::uint64_t mark) { return mark != 0; };
  EXPECT_EQ(std::any_of(marks.begin(), marks.end(), is_marked), counts.zeroed > 0);
  const FlipCounts counted = device_counts.host()[0];
  EXPECT_EQ(counted.exponent, counts.exponent);
  EXPECT_EQ(counted.fraction, counts.fraction);
  EXPECT_EQ(counted.zeroed, counts.zeroed);
  EXPECT_EQ(counted.non_finite, counts.non_finite);
  reference::stop_gradient(x.data(), x_type, count, how, gradient.data(), y_type);
  cuda::stop_gradient(in.data(), x_type, count, how, device_gradient.data(), y_type, {});
  ASSERT_EQ(device_gradient.host(), gradient);
  const tests::CudaBuffer<std::uint16_t> after_a_look(
      std::vector<std::uint16_t>(gradient.size(), 0x3F80));
  cuda::stop_gradient(in.data(), x_type, count, how, after_a_look.data(), y_type, {},
                      zeroed_at.data());
  ASSERT_EQ(after_a_look.host(), gradient);
}

TEST(BitFlipCuda, EqualsTheReferenceInEveryFormatAtEveryEdge) {
  SKIP_WITHOUT_DEVICE();
  for (const ElementType storage : {fp32, bf16, fp16}) {
    for (const auto& [h_exponent, h_fraction] :
         {std::pair{1, 3}, {5, 6}, {6, 12}, {16, 16}, {0, 9}, {4, 0}, {0, 0}, {24, 24}}) {
      for (const std::uint64_t first : {0ull, 1ull, 2047ull, (1ull << 33) + 4093}) {
        for (const std::int64_t count : {1, 33, 2049, 100'003}) {
          BitFlip how = flips_of(storage, h_exponent, h_fraction, first);
          how.zero_from = zero_out_word(30, storage);
          how.zeroes_only_flipped = first % 2 != 0;
          expect_as_reference(count == 33 ? storage : fp32, count == 1 ? storage : bf16, count,
                              how);
        }
      }
    }
    BitFlip upstream = flips_of(storage, 3, 14, 0);
    upstream.rule = FlipRule::upstream;
    expect_as_reference(fp32, fp32, 3000, upstream);
    for (const ElementType x : {fp32, bf16, fp16}) {
      for (const ElementType y : {fp32, bf16, fp16}) {
        expect_as_reference(x, y, 5000, flips_of(storage, 3, 7, 5));
      }
    }
  }
}

TEST(BitFlipCuda, TogglingGivesTheFlipsAndTwiceUndoesThem) {
  SKIP_WITHOUT_DEVICE();
  for (const ElementType storage : {fp32, bf16, fp16}) {
    for (const auto& [h_exponent, h_fraction] : {std::pair{2, 8}, {6, 6}, {16, 13}, {0, 12}}) {
      for (const std::uint64_t first : {0ull, 3001ull}) {
        for (const std::int64_t count : {1, 4097, 100'003}) {
          const BitFlip how = flips_of(storage, h_exponent, h_fraction, first);
          const auto x = some_words(count, storage);
          std::vector<std::uint16_t> expected(x.size());
          reference::flip(x.data(), storage, count, how, expected.data(), storage, nullptr);
          const tests::CudaBuffer<std::uint16_t> data(x);
          cuda::toggle(data.data(), count, how, {});
          ASSERT_EQ(data.host(), expected);
          cuda::toggle(data.data(), count, how, {});
          ASSERT_EQ(data.host(), x);
        }
      }
    }
  }
}

// The time of the description is not the one that counts: what the device finds in the clock is,
// and a changed clock draws other flips.
TEST(BitFlipCuda, FollowsTheClockInDeviceMemory) {
  SKIP_WITHOUT_DEVICE();
  const std::int64_t count = 5000;
  const auto x = some_words(count, fp32);
  std::vector<std::uint16_t> before;
  const tests::CudaBuffer<NoiseTime> clock(std::vector<NoiseTime>{{0, 0}});
  for (const auto& [h_exponent, h_fraction] : {std::pair{3, 8}, {16, 5}}) {
    for (const NoiseTime now : {NoiseTime{7, 3}, NoiseTime{8, 0}}) {
      ASSERT_EQ(cudaMemcpy(clock.data(), &now, sizeof(now), cudaMemcpyHostToDevice), cudaSuccess);
      BitFlip how = flips_of(fp32, h_exponent, h_fraction, 3);
      how.time = now;
      BitFlip clocked = how;
      clocked.time = {1, 1};
      clocked.clock = clock.data();

      std::vector<std::uint16_t> expected(x.size());
      reference::flip(x.data(), fp32, count, how, expected.data(), fp32, nullptr);
      ASSERT_NE(expected, before);
      before = expected;
      const tests::CudaBuffer<std::uint16_t> in(x), out(x.size());
      cuda::flip(in.data(), fp32, count, clocked, out.data(), fp32, nullptr, {});
      EXPECT_EQ(out.host(), expected);
      cuda::toggle(in.data(), count, clocked, {});
      EXPECT_EQ(in.host(), expected);

      how.zero_from = clocked.zero_from = zero_out_word(1, fp32);
      std::vector<std::uint16_t> gradient(x.size(), 0x3F80);
      const tests::CudaBuffer<std::uint16_t> device_gradient(gradient);
      reference::stop_gradient(x.data(), fp32, count, how, gradient.data(), fp32);
      const tests::CudaBuffer<std::uint16_t> stored(x);
      cuda::stop_gradient(stored.data(), fp32, count, clocked, device_gradient.data(), fp32, {});
      EXPECT_EQ(device_gradient.host(), gradient);
    }
  }
}

TEST(BitFlipCuda, AMarkOfAnotherTimeSaysThatNothingWasZeroed) {
  SKIP_WITHOUT_DEVICE();
  constexpr std::int64_t count = 5000;
  BitFlip how = flips_of(fp32, 8, 8, 0);
  how.zero_from = 0x3F800000;
  const tests::CudaBuffer<float> ones(std::vector<float>(count, 1)),
      gradient(std::vector<float>(count, 2)), out(count);
  const tests::CudaBuffer<std::uint64_t> zeroed_at(
      std::vector<std::uint64_t>(cuda::tiles_of(count, how.first_element)));
  cuda::flip(ones.data(), fp32, count, how, out.data(), fp32, nullptr, {}, zeroed_at.data());
  BitFlip later = how;
  ++later.time.step;
  cuda::stop_gradient(ones.data(), fp32, count, later, gradient.data(), fp32, {}, zeroed_at.data());
  EXPECT_EQ(gradient.host(), std::vector<float>(count, 2));
  cuda::stop_gradient(ones.data(), fp32, count, how, gradient.data(), fp32, {}, zeroed_at.data());
  EXPECT_NE(gradient.host(), std::vector<float>(count, 2));
}

TEST(BitFlipCuda, LargeTensorsAgreeWithTheFastCpuVersion) {
  SKIP_WITHOUT_DEVICE();
  const std::int64_t count = 1 << 24;
  BitFlip how = flips_of(fp32, 16, 16, (1ull << 31) - 5);
  std::vector<float> x(static_cast<std::size_t>(count), 0.5f), expected(x.size());
  cpu::flip(x.data(), fp32, count, how, expected.data(), fp32, nullptr);
  const tests::CudaBuffer<float> in(x);
  cuda::toggle(in.data(), count, how, {});
  const auto actual = in.host();
  EXPECT_EQ(std::memcmp(actual.data(), expected.data(), sizeof(float) * expected.size()), 0);
}

/// Flips in place, restores, flips from the slots, restores: each time against flip().
void expect_in_place_as_reference(ElementType type, std::int64_t count, const BitFlip& how) {
  const auto clean = some_words(count, type);
  std::vector<std::uint16_t> flipped(clean.size()), gradient(clean.size(), 0x3F80);
  reference::flip(clean.data(), type, count, how, flipped.data(), type, nullptr);
  const tests::CudaBuffer<std::uint16_t> data(clean), copies(clean.size()),
      device_gradient(gradient);
  const auto tiles = static_cast<std::size_t>(cuda::tiles_of(count, how.first_element));
  const tests::CudaBuffer<int> counts(tiles);
  const tests::CudaBuffer<cuda::FlipSlots::Entry> entries(tiles * cuda::FlipSlots::kSlots);
  const cuda::FlipSlots slots{counts.data(), entries.data(), copies.data()};
  cuda::flip_in_place(data.data(), count, how, slots, {});
  ASSERT_EQ(data.host(), flipped);
  cuda::restore(data.data(), count, how, slots, {});
  ASSERT_EQ(data.host(), clean);
  cuda::repeat_in_place(data.data(), count, how, slots, {});
  ASSERT_EQ(data.host(), flipped);
  cuda::stop_gradient(device_gradient.data(), type, count, how, slots, {});
  reference::stop_gradient(clean.data(), type, count, how, gradient.data(), type);
  ASSERT_EQ(device_gradient.host(), gradient);
  cuda::restore(data.data(), count, how, slots, {});
  ASSERT_EQ(data.host(), clean);
}

TEST(BitFlipCuda, FlipsInPlaceAndPutsBackInTilesQuietAndCrowded) {
  SKIP_WITHOUT_DEVICE();
  for (const ElementType type : {bf16, fp16}) {
    // At 2^-7 most tiles change in more words than a tile has slots.
    for (const auto& [h_exponent, h_fraction] :
         {std::pair{16, 16}, {11, 0}, {0, 12}, {7, 7}, {9, 9}, {24, 24}}) {
      for (const std::uint64_t first : {0ull, 3ull, 2047ull, (1ull << 33) + 4088}) {
        for (const std::int64_t count : {1, 33, 2049, 100'003}) {
          BitFlip how = flips_of(type, h_exponent, h_fraction, first);
          for (const double threshold : {1e9, 30.0, 0.02}) {
            how.zero_from = zero_out_word(threshold, type);
            for (const bool only_flipped : {false, true}) {
              how.zeroes_only_flipped = only_flipped;
              SCOPED_TRACE(testing::Message() << h_exponent << " " << h_fraction << " from "
                                              << first << ", " << count << " up to " << threshold);
              expect_in_place_as_reference(type, count, how);
              if (HasFatalFailure()) return;
            }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace kernels

#else
TEST(BitFlipCuda, IsNotBuilt) { GTEST_SKIP() << "built without CUDA"; }
#endif
