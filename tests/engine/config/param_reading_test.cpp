// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/param_reading.h"

#include "engine/transform/paradigm_info.h"

#include <gtest/gtest.h>

namespace {

using engine::reading_text;
using engine::ReadingScale;

const engine::ParamSpec& spec(const char* paradigm, const char* name) {
  static const auto infos = engine::paradigm_infos();
  return *engine::find_paradigm(infos, paradigm)->schema.find(name);
}

TEST(ParamReading, LevelsAreBits) {
  const auto& levels = spec("optical_transformer", "q_levels");
  EXPECT_EQ(reading_text(levels, std::int64_t{256}, {}), "8 bits");
  EXPECT_EQ(reading_text(levels, std::int64_t{2}, {}), "1 bit");
  EXPECT_EQ(reading_text(levels, std::int64_t{100}, {}), "6.64 bits");
}

TEST(ParamReading, AProbabilityIsExpectedFlips) {
  ReadingScale scale;
  scale.weights = 1 << 20;
  scale.inputs_per_token = 2048;
  scale.format = "bf16";
  EXPECT_EQ(reading_text(spec("random_bitflip", "w_p_exp"), 0x1p-16, scale),
            "2^-16: about 144 flipped bits in the 1.0M weights of these layers (bf16) in every "
            "forward pass");  // 2^20 * 9 / 2^16
  EXPECT_EQ(reading_text(spec("random_bitflip", "x_p_frac"), 0x1p-10, scale),
            "2^-10: about 14 flipped bits per token on the way into these layers (bf16)");
  scale.format = "fp32";
  EXPECT_EQ(reading_text(spec("random_bitflip", "w_p_frac"), 0x1p-20, scale),
            "2^-20: about 23 flipped bits in the 1.0M weights of these layers (fp32) in every "
            "forward pass");
}

TEST(ParamReading, WhatHasNoMeaningIsNotInvented) {
  EXPECT_EQ(reading_text(spec("optical_transformer", "q_lut_min"), 0.02, {}), "");
  EXPECT_EQ(reading_text(spec("random_bitflip", "w_p_exp"), engine::unset, {}), "");
  EXPECT_EQ(reading_text(spec("random_bitflip", "w_p_exp"), 0x1p-16, {}), "2^-16");
}

}  // namespace
