// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/utf8_check.h"

#include <gtest/gtest.h>

#include <string>

namespace engine {
namespace {

TEST(Utf8Check, AcceptsWellFormedText) {
  for (const std::string text :
       {"", "plain", "é", "光", "🙂", "\x7F", "\xC2\x80", "\xE0\xA0\x80", "\xED\x9F\xBF",
        "\xEE\x80\x80", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "\xEF\xBB\xBF with a mark"}) {
    EXPECT_EQ(first_invalid_utf8(text), std::string::npos) << text;
  }
}

TEST(Utf8Check, NamesTheFirstBadByteWhereverItStands) {
  const std::string bad[] = {
      "\x80",         "\xC0\x80",         "\xC1\xBF",         "\xE0\x9F\xBF",     "\xED\xA0\x80",
      "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF",
      "\xC3",         "\xE5\x85",         "\xF0\x9F\x99",     "\xE5\x85\x41",     "\xC3\xC3"};
  for (const std::string& bytes : bad) {
    for (std::size_t before = 0; before < 20; ++before) {
      EXPECT_EQ(first_invalid_utf8(std::string(before, 'x') + bytes), before);
      EXPECT_EQ(first_invalid_utf8(std::string(before, 'x') + bytes + std::string(9, 'y')), before);
    }
  }
}

}  // namespace
}  // namespace engine
