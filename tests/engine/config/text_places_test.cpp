// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/text_places.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

TEST(TextPlaces, LinesAndColumnsThereAndBack) {
  const std::string text = "ab\n\xC3\xA9x\r\n\nlast";
  const TextPlaces places(text);
  EXPECT_EQ(to_string(places.at(0, "f")), "f:1:1");
  EXPECT_EQ(to_string(places.at(5, "f")), "f:2:2");
  EXPECT_EQ(to_string(places.at(text.size(), "f")), "f:4:5");
  EXPECT_EQ(to_string(places.at(1000, "f")), "f:4:5");
  for (std::size_t offset : {0u, 1u, 3u, 5u, 8u, 9u, 12u}) {
    const Place place = places.at(offset, "f");
    EXPECT_EQ(places.offset(place.line, place.column), offset);
  }
  EXPECT_EQ(places.offset(99, 1), text.size());
}

TEST(Utf8, FindsTheFirstBadByte) {
  EXPECT_EQ(find_invalid_utf8("plain \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"), std::string::npos);
  EXPECT_EQ(find_invalid_utf8("ab\xFF"), 2u);
  EXPECT_EQ(find_invalid_utf8("a\xC0\x80"), 1u);
  EXPECT_EQ(find_invalid_utf8("a\xE0\x80\x80"), 1u);
  EXPECT_EQ(find_invalid_utf8("a\xED\xA0\x80"), 1u);
  EXPECT_EQ(find_invalid_utf8("a\xF4\x90\x80\x80"), 1u);
  EXPECT_EQ(find_invalid_utf8("a\xE2\x82"), 1u);
  EXPECT_EQ(find_invalid_utf8("a\x80"), 1u);
}

}  // namespace
}  // namespace engine
