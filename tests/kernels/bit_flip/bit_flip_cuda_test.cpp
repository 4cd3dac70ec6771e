// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/bit_flip/bit_flip.h"
#include "tests/kernels/bit_flip/some_words.h"
#include "tests/support/cuda_buffer.h"

#include <gtest/gtest.h>

#ifdef PARADIGM_WITH_CUDA

#include <bit>
#include <cstring>
#include <utility>
#include <vector>

namespace kernels {
namespace {

using enum ElementType;
using tests::flips_of;
using tests::some_words;

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
  const tests::CudaBuffer<std::uint32_t> zeroed(
      static_cast<std::size_t>(cuda::zero_words(count, how.first_element)));
  cuda::flip(in.data(), x_type, count, how, out.data(), y_type, device_counts.data(), {},
             zeroed.data());
  ASSERT_EQ(out.host(), expected);
  std::int64_t bits = 0;
  for (const std::uint32_t word : zeroed.host()) bits += std::popcount(word);
  EXPECT_EQ(bits, counts.zeroed);
  const FlipCounts counted = device_counts.host()[0];
  EXPECT_EQ(counted.exponent, counts.exponent);
  EXPECT_EQ(counted.fraction, counts.fraction);
  EXPECT_EQ(counted.zeroed, counts.zeroed);
  EXPECT_EQ(counted.non_finite, counts.non_finite);
  reference::stop_gradient(x.data(), x_type, count, how, gradient.data(), y_type);
  cuda::stop_gradient(zeroed.data(), count, how.first_element, device_gradient.data(), y_type, {});
  ASSERT_EQ(device_gradient.host(), gradient);
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
      const tests::CudaBuffer<std::uint32_t> zeroed(
          static_cast<std::size_t>(cuda::zero_words(count, how.first_element)));
      cuda::flip(stored.data(), fp32, count, clocked, out.data(), fp32, nullptr, {}, zeroed.data());
      cuda::stop_gradient(zeroed.data(), count, how.first_element, device_gradient.data(), fp32,
                          {});
      EXPECT_EQ(device_gradient.host(), gradient);
    }
  }
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

}  // namespace
}  // namespace kernels

#else
TEST(BitFlipCuda, IsNotBuilt) { GTEST_SKIP() << "built without CUDA"; }
#endif
