// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/number_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

namespace engine {
namespace {

TEST(NumberText, ReadsWholeNumbers) {
  EXPECT_EQ(read_number("0").whole, 0);
  EXPECT_EQ(read_number("-12").whole, -12);
  EXPECT_EQ(read_number("+7").whole, 7);
  EXPECT_EQ(read_number("1_000").whole, 1000);
  EXPECT_EQ(read_number("0x1F").whole, 31);
  EXPECT_EQ(read_number("9223372036854775807").whole, 9223372036854775807);
  EXPECT_EQ(read_number("-9223372036854775808").whole, std::numeric_limits<std::int64_t>::min());
}

TEST(NumberText, ReadsReals) {
  EXPECT_EQ(read_number("1e-5").real, 1e-5);
  EXPECT_EQ(read_number("1.").real, 1.0);
  EXPECT_EQ(read_number("-.5E+3").real, -500.0);
  EXPECT_FALSE(read_number("1.0").whole);
}

TEST(NumberText, TrapsSayWhy) {
  for (const char* text : {"010", "0o17", "0b11", "1:30", "-1:30:00", ".nan", ".NaN", ".inf",
                           "-.Inf", "1e999", "9223372036854775808", "00"})
    EXPECT_FALSE(read_number(text).trap.empty()) << text;
}

TEST(NumberText, WordsAreNoNumbersAndNoTraps) {
  for (const char* text : {"", "-", "+", ".", "e5", "abc", "1a", "0x", "0xg", "1e", "1__0", "_1",
                           "1_", "--1", "1.2.3", "a:b", "2024-01-01"}) {
    const NumberText number = read_number(text);
    EXPECT_FALSE(number.is_number()) << text;
    EXPECT_EQ(number.trap, "") << text;
  }
}

TEST(NumberText, RealsRoundTripInTheShortestDigits) {
  EXPECT_EQ(real_text(0.02004), "0.02004");
  EXPECT_EQ(real_text(-3), "-3.0");
  EXPECT_EQ(real_text(1e22), "1.0e+22");
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t bits = random();
    double value;
    std::memcpy(&value, &bits, sizeof value);
    if (!std::isfinite(value) || (value != 0 && std::abs(value) < 1e-300)) continue;
    ASSERT_EQ(read_number(real_text(value)).real, value) << real_text(value);
  }
}

TEST(NumberText, ShortNumbersHaveNoMarks) {
  EXPECT_EQ(short_number(65536), "65536");
  EXPECT_EQ(short_number(0.5), "0.5");
  EXPECT_EQ(short_number(-1), "-1");
}

}  // namespace
}  // namespace engine
