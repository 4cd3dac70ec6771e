// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/philox.h"

#include "kernels/noise_key.h"

#include <gtest/gtest.h>

namespace {

using kernels::noise_key;
using kernels::PhiloxBlock;

void expect_words(const PhiloxBlock& block, std::uint32_t w0, std::uint32_t w1, std::uint32_t w2,
                  std::uint32_t w3) {
  EXPECT_EQ(block.word[0], w0);
  EXPECT_EQ(block.word[1], w1);
  EXPECT_EQ(block.word[2], w2);
  EXPECT_EQ(block.word[3], w3);
}

TEST(Philox, GoldenWordsAtCounterZero) {
  expect_words(kernels::philox(0, 0, 0, 0, 0), 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
  expect_words(kernels::philox(1, 0, 0, 0, 0), 0xe3e80670, 0xe50a0ebc, 0x95f222c0, 0xb615aa27);
}

TEST(Philox, UniformOfTheFirstWordIsGolden) {
  const float golden[] = {0.7980929f, 0.2194816f, 0.8508947f, 0.3666900f, 0.2648605f};
  for (std::uint64_t key = 0; key < 5; ++key) {
    EXPECT_NEAR(kernels::uniform_from_word(kernels::philox(key, 0, 0, 0, 0).word[0]), golden[key],
                1e-7f);
  }
}

TEST(Philox, UniformCoversZeroToBelowOne) {
  EXPECT_EQ(kernels::uniform_from_word(0), 0.0f);
  EXPECT_EQ(kernels::uniform_from_word(0xFFFFFFFFu), 0.0f);
  EXPECT_LT(kernels::uniform_from_word(0x7FFFFFFFu), 1.0f);
  EXPECT_LT(kernels::uniform_from_word(0x80000000u), 1.0f);
  EXPECT_GT(kernels::uniform_from_word(0x80000000u), 0.9999999f);
}

TEST(NoiseKey, GoldenKeysAndBlocks) {
  const std::uint64_t linear = noise_key(42, kernels::layer_id("model.layers.0.self_attn.q_proj"),
                                         0, kernels::noise_role::optical_linear_read_out);
  EXPECT_EQ(linear, 0x5cabaa10577fab40u);
  expect_words(kernels::noise_block(linear, 0, {0, 0}), 0x1e9d5102, 0x1297a674, 0x8d99ba5f,
               0x117a9f21);
  expect_words(kernels::noise_block(linear, 1, {7, 3}), 0x7281d30e, 0xa8778781, 0xa6900668,
               0xb0b74866);
  const std::uint64_t scores = noise_key(42, kernels::layer_id("model.layers.0.self_attn"), 0,
                                         kernels::noise_role::optical_qk);
  EXPECT_EQ(scores, 0x4f9b87ae6d125864u);
  expect_words(kernels::noise_block(scores, 0, {0, 0}), 0x8229dbfe, 0x8a7d336a, 0xa42fe5ed,
               0x540b0cfb);
}

}  // namespace
