// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/bit_flip/flip_group.h"
#include "tests/kernels/bit_flip/some_words.h"
#include "tests/support/cuda_buffer.h"

#include <gtest/gtest.h>

#ifdef PARADIGM_WITH_CUDA

#include <array>
#include <bit>
#include <cstring>
#include <deque>
#include <utility>

namespace kernels {
namespace {

using enum ElementType;
using tests::CudaBuffer;
using Words = std::vector<std::uint16_t>;

Words flipped(const Words& clean, ElementType type, const BitFlip& how) {
  Words words(clean.size());
  reference::flip(clean.data(), type, static_cast<std::int64_t>(clean.size()), how, words.data(),
                  type, nullptr);
  return words;
}

/// Notes in device memory for some layers of one operand.
class Group {
 public:
  Group(std::int64_t count, const std::vector<BitFlip>& hows)
      : tiles_(static_cast<std::size_t>(cuda::tiles_of(count, hows[0].first_element))),
        counts_(tiles_ * hows.size()),
        entries_(tiles_ * hows.size() * cuda::FlipNotes::kSlots) {
    for (std::size_t i = 0; i < hows.size(); ++i) {
      layers_.push_back(
          {hows[i],
           {counts_.data() + i * tiles_, entries_.data() + i * tiles_ * cuda::FlipNotes::kSlots}});
    }
  }
  const std::vector<cuda::NotedFlips>& layers() const { return layers_; }

 private:
  std::size_t tiles_;
  CudaBuffer<int> counts_;
  CudaBuffer<cuda::FlipNotes::Entry> entries_;
  std::vector<cuda::NotedFlips> layers_;
};

std::uint16_t word_of(float value) {
  return static_cast<std::uint16_t>(bf16_from_fp32(std::bit_cast<std::uint32_t>(value)));
}

/// Goes through the layers forth and back; what each adds to a gradient must stop where its own
/// flips zero, whatever the others do.
void expect_turns_as_reference(ElementType type, std::int64_t count,
                               const std::vector<BitFlip>& hows) {
  const Words clean = tests::some_words(count, type);
  const CudaBuffer<std::uint16_t> data(clean), copies(clean.size()), held(clean.size());
  const Group group(count, hows);
  const auto& layers = group.layers();
  const cuda::FlippedInPlace x{data.data(), count, copies.data()};
  cuda::flip_group(x, layers, {}, {});
  ASSERT_EQ(data.host(), flipped(clean, type, hows[0]));
  for (std::size_t i = 1; i < hows.size(); ++i) {
    cuda::change_flips({.x = x, .from = &layers[i - 1], .to = &layers[i]}, {}, {});
    ASSERT_EQ(data.host(), flipped(clean, type, hows[i])) << i;
  }
  cuda::change_flips({.x = x, .from = &layers.back(), .to = nullptr}, {}, {});
  ASSERT_EQ(data.host(), clean);

  const CudaBuffer<std::uint16_t> gradient(clean.size());
  std::vector<float> sum(clean.size());
  std::vector<float> expected(clean.size());
  const auto upload = [&](const Words& words) {
    ASSERT_EQ(cudaMemcpy(gradient.data(), words.data(), 2 * words.size(), cudaMemcpyHostToDevice),
              cudaSuccess);
  };
  cuda::change_flips({.x = x, .from = nullptr, .to = &layers[0]}, {}, {});
  for (std::size_t i = 0; i < hows.size(); ++i) {
    ASSERT_EQ(data.host(), flipped(clean, type, hows[i])) << i;
    Words words = i == 0 ? Words(clean.size()) : gradient.host();
    const float share = static_cast<float>(1 << i);
    for (std::uint16_t& word : words) {
      word = word_of(std::bit_cast<float>(fp32_from_bf16(word)) + share);
    }
    upload(words);
    std::vector<float> kept(clean.size(), share);
    reference::stop_gradient(clean.data(), type, count, hows[i], kept.data(), fp32);
    for (std::size_t k = 0; k < kept.size(); ++k) expected[k] += kept[k];
    const bool is_last = i + 1 == hows.size();
    cuda::change_flips({.x = x,
                        .from = &layers[i],
                        .to = is_last ? nullptr : &layers[i + 1],
                        .gradient = gradient.data(),
                        .is_first = i == 0,
                        .held_tiles = held.data()},
                       {}, {});
  }
  ASSERT_EQ(data.host(), clean);
  const Words result = gradient.host();
  for (std::size_t k = 0; k < result.size(); ++k) {
    ASSERT_EQ(std::bit_cast<float>(fp32_from_bf16(result[k])), expected[k]) << k;
  }
}

TEST(FlipGroupCuda, LayersTakeTurnsInTilesQuietAndCrowded) {
  SKIP_WITHOUT_DEVICE();
  for (const ElementType type : {bf16, fp16}) {
    // At 2^-7 most tiles change in more words than there is room to note.
    for (const auto& [h_exponent, h_fraction] :
         {std::pair{16, 16}, {11, 0}, {0, 12}, {7, 7}, {9, 9}, {24, 24}}) {
      for (const std::uint64_t first : {0ull, 3ull, 2047ull, (1ull << 33) + 4088}) {
        for (const std::int64_t count : {1, 33, 2049, 100'003}) {
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
              hows.resize(count == 33 ? 1 : count == 1 ? 2 : 3);
              SCOPED_TRACE(testing::Message() << h_exponent << " " << h_fraction << " from "
                                              << first << ", " << count << " up to " << threshold);
              expect_turns_as_reference(type, count, hows);
              if (HasFatalFailure()) return;
            }
          }
        }
      }
    }
  }
}

// Beside an operand in place or without one.
void expect_weights_as_reference(int h_exponent, int h_fraction, double threshold) {
  const std::array<std::int64_t, 3> counts = {100'003, 1, 2048 * 70};
  std::deque<CudaBuffer<float>> weights, gradients;
  std::deque<CudaBuffer<std::uint16_t>> copies;
  std::deque<CudaBuffer<int>> zero_counts;
  std::deque<CudaBuffer<std::uint16_t>> zero_elements;
  std::vector<cuda::FlippedWeight> all;
  std::vector<std::vector<float>> clean;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const Words words = tests::some_words(counts[i], fp32);
    clean.emplace_back(static_cast<std::size_t>(counts[i]));
    std::memcpy(clean[i].data(), words.data(), 2 * words.size());
    weights.emplace_back(clean[i]);
    gradients.emplace_back(std::vector<float>(clean[i].size(), 2));
    copies.emplace_back(clean[i].size());
    const auto tiles = static_cast<std::size_t>(cuda::tiles_of(counts[i], 0));
    zero_counts.emplace_back(tiles);
    zero_elements.emplace_back(tiles * cuda::ZeroNotes::kSlots);
    BitFlip how = tests::flips_of(bf16, h_exponent, i == 1 ? 0 : h_fraction, 0);
    how.exponent.key += i;
    how.zero_from = zero_out_word(threshold, bf16);
    all.push_back({.weight = weights[i].data(),
                   .count = counts[i],
                   .how = how,
                   .zeroes = {zero_counts[i].data(), zero_elements[i].data()},
                   .copy = copies[i].data(),
                   .gradient = gradients[i].data()});
  }
  const Words x = tests::some_words(5000, bf16);
  for (const bool with_x : {false, true}) {
    const CudaBuffer<std::uint16_t> data(x), x_copies(x.size());
    const Group group(5000, {tests::flips_of(bf16, 14, 14, 0)});
    const cuda::FlippedInPlace in_place{data.data(), 5000, x_copies.data()};
    const auto layers = with_x ? group.layers() : std::vector<cuda::NotedFlips>();
    cuda::flip_group(in_place, layers, all, {});
    cuda::change_flips({.x = in_place, .from = with_x ? layers.data() : nullptr}, all, {});
    EXPECT_EQ(data.host(), x);
    for (std::size_t i = 0; i < counts.size(); ++i) {
      Words expected(clean[i].size());
      std::vector<float> gradient(clean[i].size(), 2);
      reference::flip(clean[i].data(), fp32, counts[i], all[i].how, expected.data(), bf16, nullptr);
      reference::stop_gradient(clean[i].data(), fp32, counts[i], all[i].how, gradient.data(), fp32);
      EXPECT_EQ(copies[i].host(), expected);
      EXPECT_EQ(gradients[i].host(), gradient);
    }
  }
}

TEST(FlipGroupCuda, CopiesWeightsAndStopsTheirGradients) {
  SKIP_WITHOUT_DEVICE();
  for (const auto& [h_exponent, h_fraction] :
       {std::pair{16, 16}, {14, 0}, {0, 12}, {7, 7}, {24, 24}}) {
    for (const double threshold : {1e9, 1.25, 0.05, 0.0}) {
      SCOPED_TRACE(testing::Message() << h_exponent << " " << h_fraction << " up to " << threshold);
      expect_weights_as_reference(h_exponent, h_fraction, threshold);
    }
  }
}

// The time of the description is not the one that counts: what the device finds in the clock is.
TEST(FlipGroupCuda, FollowsTheClockInDeviceMemory) {
  SKIP_WITHOUT_DEVICE();
  constexpr std::int64_t kCount = 100'000;
  const Words clean = tests::some_words(kCount, bf16);
  const CudaBuffer<NoiseTime> clock(std::vector<NoiseTime>{{0, 0}});
  for (const NoiseTime now : {NoiseTime{7, 3}, NoiseTime{8, 0}}) {
    ASSERT_EQ(cudaMemcpy(clock.data(), &now, sizeof(now), cudaMemcpyHostToDevice), cudaSuccess);
    BitFlip how = tests::flips_of(bf16, 13, 13, 5);
    how.time = now;
    BitFlip clocked = how;
    clocked.time = {1, 1};
    clocked.clock = clock.data();
    const CudaBuffer<std::uint16_t> data(clean), copies(clean.size());
    const Group group(kCount, {clocked});
    cuda::flip_group({data.data(), kCount, copies.data()}, group.layers(), {}, {});
    EXPECT_EQ(data.host(), flipped(clean, bf16, how));
  }
}

TEST(FlipGroup, TakesRareFlipsInSixteenBitsAlone) {
  EXPECT_TRUE(cuda::can_note_flips(tests::flips_of(bf16, 16, 16, 0)));
  EXPECT_FALSE(cuda::can_note_flips(tests::flips_of(fp32, 16, 16, 0)));
  EXPECT_FALSE(cuda::can_note_flips(tests::flips_of(bf16, 8, 16, 0)));
  BitFlip upstream = tests::flips_of(bf16, 16, 16, 0);
  upstream.rule = FlipRule::upstream;
  EXPECT_FALSE(cuda::can_note_flips(upstream));
}

}  // namespace
}  // namespace kernels

#else
TEST(FlipGroupCuda, IsNotBuilt) { GTEST_SKIP() << "built without CUDA"; }
#endif
