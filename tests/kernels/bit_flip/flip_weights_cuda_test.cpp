// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/bit_flip/flip_group.h"
#include "tests/kernels/bit_flip/expected_flips.h"
#include "tests/kernels/bit_flip/some_words.h"
#include "tests/support/cuda_buffer.h"

#include <gtest/gtest.h>

#ifdef PARADIGM_WITH_CUDA

#include <array>
#include <cstring>
#include <deque>
#include <utility>
#include <vector>

namespace kernels {
namespace {

using enum ElementType;
using tests::CudaBuffer;
using tests::Expected;
using Words = std::vector<std::uint16_t>;

void expect_weights_as_reference(std::int64_t columns, int h_exponent, int h_fraction,
                                 double threshold) {
  const std::array<std::int64_t, 3> outputs = {104, 8, 40};
  constexpr std::int64_t kAllOutputs = 152;
  const CudaBuffer<std::uint16_t> copies(static_cast<std::size_t>(columns * kAllOutputs));
  std::int64_t first_output = 0;
  std::deque<CudaBuffer<float>> weights;
  std::deque<CudaBuffer<std::uint32_t>> zeroed;
  std::vector<cuda::FlippedWeight> all;
  std::vector<std::vector<float>> clean;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const std::int64_t count = outputs[i] * columns;
    const Words words = tests::some_words(count, fp32);
    clean.emplace_back(static_cast<std::size_t>(count));
    std::memcpy(clean[i].data(), words.data(), 2 * words.size());
    weights.emplace_back(clean[i]);
    zeroed.emplace_back(static_cast<std::size_t>(cuda::zero_words(count, 0)));
    BitFlip how = tests::flips_of(bf16, h_exponent, i == 1 ? 0 : h_fraction, 0);
    how.exponent.key += i;
    how.zero_from = zero_out_word(threshold, bf16);
    all.push_back({.data = weights[i].data(),
                   .outputs = outputs[i],
                   .columns = columns,
                   .how = how,
                   .zeroed = zeroed[i].data(),
                   .values = copies.data() + first_output,
                   .pitch = kAllOutputs});
    first_output += outputs[i];
  }
  cuda::flip_weights(all, {});
  const Words result = copies.host();
  first_output = 0;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Expected expected(clean[i].data(), fp32, clean[i].size(), all[i].how);
    const auto bits = zeroed[i].host();
    for (std::int64_t k = 0; k < outputs[i] * columns; ++k) {
      const auto element = static_cast<std::size_t>(k);
      const auto place =
          static_cast<std::size_t>(k % columns * kAllOutputs + first_output + k / columns);
      ASSERT_EQ(result[place], expected.values[element]) << i << " " << k;
      ASSERT_EQ((bits[element / 32] >> (element % 32) & 1) != 0, expected.zeroed[element]);
    }
    first_output += outputs[i];
  }
}

TEST(FlipWeightsCuda, LieSideBySideAsTheReferenceFlipsThem) {
  SKIP_WITHOUT_DEVICE();
  for (const std::int64_t columns : {32, 96, 384, 1408}) {
    for (const auto& [h_exponent, h_fraction] : {std::pair{16, 16}, {14, 0}, {0, 12}, {7, 7}}) {
      for (const double threshold : {1e9, 1.25, 0.05, 0.0}) {
        SCOPED_TRACE(testing::Message() << columns << ": " << h_exponent << " " << h_fraction
                                        << " up to " << threshold);
        expect_weights_as_reference(columns, h_exponent, h_fraction, threshold);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

// More than one launch takes.
TEST(FlipWeightsCuda, AreAnyNumber) {
  SKIP_WITHOUT_DEVICE();
  constexpr std::int64_t kOutputs = 8, kColumns = 64;
  const std::vector<float> clean(kOutputs * kColumns, 0.5f);
  const CudaBuffer<float> weight(clean);
  const CudaBuffer<std::uint16_t> copies(200 * kOutputs * kColumns);
  std::vector<cuda::FlippedWeight> all;
  for (std::size_t i = 0; i < 200; ++i) {
    BitFlip how = tests::flips_of(bf16, 9, 9, 0);
    how.exponent.key += i;
    all.push_back({weight.data(), kOutputs, kColumns, how, nullptr,
                   copies.data() + i * kOutputs * kColumns, kOutputs});
  }
  cuda::flip_weights(all, {});
  const Words result = copies.host();
  for (std::size_t i = 0; i < 200; ++i) {
    const Expected expected(clean.data(), fp32, clean.size(), all[i].how);
    for (std::size_t k = 0; k < clean.size(); ++k) {
      ASSERT_EQ(result[i * clean.size() + k % kColumns * kOutputs + k / kColumns],
                expected.values[k])
          << i;
    }
  }
}

}  // namespace
}  // namespace kernels

#else
TEST(FlipWeightsCuda, IsNotBuilt) { GTEST_SKIP() << "built without CUDA"; }
#endif
