// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/text/text_map.h"

#include <gtest/gtest.h>

namespace {

using widgets::TextMap;

TEST(TextMap, ShowsEveryLineEndAlikeAndFindsEveryByte) {
  const std::string bytes = "a\r\nb\rc\nd\xE2\x80\xA9" "e";
  const TextMap map(bytes);
  EXPECT_EQ(map.shown(), QStringLiteral("a\nb\nc\nd\ne"));
  EXPECT_EQ(map.byteOffset(2), 3u);
  EXPECT_EQ(map.byteOffset(8), 11u);
  EXPECT_EQ(map.byteOffset(9), bytes.size());
  EXPECT_EQ(map.position(3), 2);
  EXPECT_EQ(map.position(2), 1) << "inside of CR LF";
  EXPECT_EQ(map.position(bytes.size()), 9);
}

TEST(TextMap, KeepsCharactersOfEveryLength) {
  const TextMap map("x\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80y");
  EXPECT_EQ(map.shown(), QString::fromUtf8("xé€😀y"));
  EXPECT_EQ(map.byteOffset(5), 10u) << "behind both halves of the surrogate pair";
  EXPECT_EQ(map.position(10), 5);
  EXPECT_EQ(map.position(7), 3) << "inside of the four bytes";
}

TEST(TextMap, ABrokenByteIsOneCharacter) {
  const TextMap map("a\xFF\xC3(\xED\xA0\x80z");
  EXPECT_EQ(map.shown().size(), 8);
  EXPECT_EQ(map.shown().at(7), QLatin1Char('z'));
  EXPECT_EQ(map.byteOffset(7), 7u);
}

TEST(TextMap, NewLinesEndAsMostOthers) {
  EXPECT_EQ(TextMap("a\r\nb\r\nc\n").lineEnd(), "\r\n");
  EXPECT_EQ(TextMap("a\nb\r\nc\n").lineEnd(), "\n");
  EXPECT_EQ(TextMap("").lineEnd(), "\n");
}

}  // namespace
