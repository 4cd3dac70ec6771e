// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/utf8.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace engine {
namespace {

TEST(Utf8, WellFormedTextHasNoBadByte) {
  for (const std::string text :
       {"", "plain", "é", "光", "🙂", "\x7F", "\xC2\x80", "\xE0\xA0\x80", "\xED\x9F\xBF",
        "\xEE\x80\x80", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "\xEF\xBB\xBF with a mark"}) {
    EXPECT_EQ(first_invalid_utf8(text), std::string::npos) << text;
  }
}

TEST(Utf8, TheFirstBadByteIsFoundWhereverItStands) {
  const std::string bad[] = {
      "\x80",         "\xC0\x80",         "\xC1\xBF",         "\xE0\x9F\xBF",     "\xED\xA0\x80",
      "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF",
      "\xC3",         "\xE5\x85",         "\xF0\x9F\x99",     "\xE5\x85\x41",     "\xC3\xC3"};
  for (const std::string& bytes : bad) {
    EXPECT_EQ(first_utf8_length(bytes), 0U);
    for (std::size_t before = 0; before < 20; ++before) {
      EXPECT_EQ(first_invalid_utf8(std::string(before, 'x') + bytes), before);
      EXPECT_EQ(first_invalid_utf8(std::string(before, 'x') + bytes + std::string(9, 'y')), before);
    }
  }
}

TEST(Utf8, IllFormedPartsBecomeOneReplacementEach) {
  const std::string r = "\uFFFD";
  const std::pair<std::string, std::string> cases[] = {
      {"a\x80z", "a" + r + "z"},
      {"\xC0\xAF", r + r},                  // overlong
      {"\xE2\x82", r},                      // cut short
      {"\xE2\x82z", r + "z"},               //
      {"\xED\xA0\x80", r + r + r},          // a surrogate
      {"\xF0\x9F\x98", r},                  //
      {"\xF0\x9F\x98\x80", "\U0001F600"},   //
      {"\xF4\x90\x80\x80", r + r + r + r},  // above U+10FFFF
      {"\xF0\x80\x80\x80", r + r + r + r},  // overlong
      {"\xFF\xFE", r + r},                  //
      {std::string("\0\x7F", 2), std::string("\0\x7F", 2)},
  };
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(lossy_utf8(bytes), text) << testing::PrintToString(bytes);
    EXPECT_EQ(is_valid_utf8(bytes), bytes == text) << testing::PrintToString(bytes);
  }
}

TEST(Utf8, EveryCodePointComesBack) {
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text = "a";
    append_utf8(text, c);
    ASSERT_TRUE(is_valid_utf8(text));
    ASSERT_EQ(first_utf8_length(text.substr(1)), text.size() - 1);
    ASSERT_EQ(decode_utf8(text, 1).code_point, c);
    ASSERT_EQ(decode_utf8(text, 1).length, text.size() - 1);
    ASSERT_EQ(previous_char(text, text.size()), 1U);
  }
}

TEST(Utf8, RepairedBytesAreAlwaysWellFormed) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(random() % 20, ' ');
    for (char& byte : bytes)
      byte = static_cast<char>(random() % 4 == 0 ? random() % 128 : random() % 256);
    const std::string text = lossy_utf8(bytes);
    ASSERT_TRUE(is_valid_utf8(text));
    ASSERT_EQ(text == bytes, is_valid_utf8(bytes));
  }
}

}  // namespace
}  // namespace engine
