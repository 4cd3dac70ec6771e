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

}  // namespace
}  // namespace engine
